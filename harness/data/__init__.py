"""The data of a case: `case_data` makes inputs and weights from `draws`, within `value_bounds`."""

"""The exact data of a case: `case_data` makes the inputs and weights from `draws`, within `value_bounds`."""

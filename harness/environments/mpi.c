/* A stand-in for the MPI that CNTK 2.7 links (OpenMPI 1.10: libmpi.so.12, libmpi_cxx.so.1), for one process.
 *
 * CNTK cannot be loaded without these names, and calls them only to train on several machines. What is true
 * of one process alone is answered; everything else is refused, so that no wrong answer looks like a right one.
 * It includes no header and links no library: a bare compiler is enough.
 */

#define SUCCESS 0
#define ERR_OTHER 16 /* MPI_ERR_OTHER of OpenMPI */

extern void _exit(int status);

static int is_initialized = 0;

int MPI_Initialized(int *flag) {
    *flag = is_initialized;
    return SUCCESS;
}

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided) {
    (void)argc, (void)argv;
    is_initialized = 1;
    *provided = required;
    return SUCCESS;
}

int MPI_Finalize(void) {
    return SUCCESS;
}

int MPI_Abort(void *comm, int status) {
    (void)comm;
    _exit(status);
    return SUCCESS;
}

int MPI_Comm_size(void *comm, int *size) {
    (void)comm;
    *size = 1;
    return SUCCESS;
}

int MPI_Comm_rank(void *comm, int *rank) {
    (void)comm;
    *rank = 0;
    return SUCCESS;
}

int MPI_Barrier(void *comm) {
    (void)comm;
    return SUCCESS;
}

int MPI_Bcast(void *buffer, int count, void *datatype, int root, void *comm) {
    (void)buffer, (void)count, (void)datatype, (void)root, (void)comm;
    return SUCCESS;
}

static void say(char *text, int *length, const char *words) {
    for (*length = 0; words[*length]; ++*length) text[*length] = words[*length];
    text[*length] = 0;
}

int MPI_Get_processor_name(char *name, int *length) {
    say(name, length, "localhost");
    return SUCCESS;
}

int MPI_Error_string(int code, char *text, int *length) {
    (void)code;
    say(text, length, "the stand-in for MPI serves one process and cannot do this");
    return SUCCESS;
}

#define REFUSED(name) int name(void) { return ERR_OTHER; }

REFUSED(MPI_Accumulate) REFUSED(MPI_Allgather) REFUSED(MPI_Allgatherv) REFUSED(MPI_Allreduce)
REFUSED(MPI_Alltoall) REFUSED(MPI_Alltoallv) REFUSED(MPI_Alltoallw) REFUSED(MPI_Bsend)
REFUSED(MPI_Bsend_init) REFUSED(MPI_Cancel) REFUSED(MPI_Cart_coords) REFUSED(MPI_Cart_create)
REFUSED(MPI_Cart_get) REFUSED(MPI_Cart_map) REFUSED(MPI_Cart_rank) REFUSED(MPI_Cart_shift)
REFUSED(MPI_Cart_sub) REFUSED(MPI_Cartdim_get) REFUSED(MPI_Comm_accept) REFUSED(MPI_Comm_connect)
REFUSED(MPI_Comm_create) REFUSED(MPI_Comm_delete_attr) REFUSED(MPI_Comm_disconnect) REFUSED(MPI_Comm_dup)
REFUSED(MPI_Comm_free) REFUSED(MPI_Comm_get_attr) REFUSED(MPI_Comm_get_errhandler)
REFUSED(MPI_Comm_get_name) REFUSED(MPI_Comm_group) REFUSED(MPI_Comm_remote_group)
REFUSED(MPI_Comm_remote_size) REFUSED(MPI_Comm_set_attr) REFUSED(MPI_Comm_set_errhandler)
REFUSED(MPI_Comm_set_name) REFUSED(MPI_Comm_spawn) REFUSED(MPI_Comm_spawn_multiple) REFUSED(MPI_Comm_split)
REFUSED(MPI_Comm_test_inter) REFUSED(MPI_Errhandler_free) REFUSED(MPI_Exscan) REFUSED(MPI_Gather)
REFUSED(MPI_Gatherv) REFUSED(MPI_Get) REFUSED(MPI_Get_count) REFUSED(MPI_Get_elements)
REFUSED(MPI_Graph_create) REFUSED(MPI_Graph_get) REFUSED(MPI_Graph_map) REFUSED(MPI_Graph_neighbors)
REFUSED(MPI_Graph_neighbors_count) REFUSED(MPI_Graphdims_get) REFUSED(MPI_Grequest_complete)
REFUSED(MPI_Group_excl) REFUSED(MPI_Group_free) REFUSED(MPI_Group_incl) REFUSED(MPI_Group_range_excl)
REFUSED(MPI_Group_range_incl) REFUSED(MPI_Group_rank) REFUSED(MPI_Group_size) REFUSED(MPI_Iallgather)
REFUSED(MPI_Iallreduce) REFUSED(MPI_Ibsend) REFUSED(MPI_Info_delete) REFUSED(MPI_Info_dup)
REFUSED(MPI_Info_free) REFUSED(MPI_Info_get) REFUSED(MPI_Info_get_nkeys) REFUSED(MPI_Info_get_nthkey)
REFUSED(MPI_Info_get_valuelen) REFUSED(MPI_Info_set) REFUSED(MPI_Intercomm_create)
REFUSED(MPI_Intercomm_merge) REFUSED(MPI_Iprobe) REFUSED(MPI_Irecv) REFUSED(MPI_Irsend) REFUSED(MPI_Isend)
REFUSED(MPI_Issend) REFUSED(MPI_Op_commutative) REFUSED(MPI_Op_create) REFUSED(MPI_Op_free)
REFUSED(MPI_Pack) REFUSED(MPI_Pack_external) REFUSED(MPI_Pack_external_size) REFUSED(MPI_Pack_size)
REFUSED(MPI_Probe) REFUSED(MPI_Put) REFUSED(MPI_Recv) REFUSED(MPI_Recv_init) REFUSED(MPI_Reduce)
REFUSED(MPI_Reduce_local) REFUSED(MPI_Reduce_scatter) REFUSED(MPI_Request_free)
REFUSED(MPI_Request_get_status) REFUSED(MPI_Rsend) REFUSED(MPI_Rsend_init) REFUSED(MPI_Scan)
REFUSED(MPI_Scatter) REFUSED(MPI_Scatterv) REFUSED(MPI_Send) REFUSED(MPI_Send_init) REFUSED(MPI_Sendrecv)
REFUSED(MPI_Sendrecv_replace) REFUSED(MPI_Ssend) REFUSED(MPI_Ssend_init) REFUSED(MPI_Start)
REFUSED(MPI_Status_set_cancelled) REFUSED(MPI_Status_set_elements) REFUSED(MPI_Test)
REFUSED(MPI_Test_cancelled) REFUSED(MPI_Topo_test) REFUSED(MPI_Type_commit) REFUSED(MPI_Type_contiguous)
REFUSED(MPI_Type_create_darray) REFUSED(MPI_Type_create_hindexed) REFUSED(MPI_Type_create_hvector)
REFUSED(MPI_Type_create_indexed_block) REFUSED(MPI_Type_create_resized) REFUSED(MPI_Type_create_subarray)
REFUSED(MPI_Type_delete_attr) REFUSED(MPI_Type_dup) REFUSED(MPI_Type_get_attr)
REFUSED(MPI_Type_get_contents) REFUSED(MPI_Type_get_envelope) REFUSED(MPI_Type_get_extent)
REFUSED(MPI_Type_get_name) REFUSED(MPI_Type_get_true_extent) REFUSED(MPI_Type_indexed)
REFUSED(MPI_Type_set_attr) REFUSED(MPI_Type_set_name) REFUSED(MPI_Type_size) REFUSED(MPI_Type_vector)
REFUSED(MPI_Unpack) REFUSED(MPI_Unpack_external) REFUSED(MPI_Wait) REFUSED(MPI_Waitall) REFUSED(MPI_Waitany)
REFUSED(MPI_Win_call_errhandler) REFUSED(MPI_Win_complete) REFUSED(MPI_Win_delete_attr)
REFUSED(MPI_Win_fence) REFUSED(MPI_Win_get_errhandler) REFUSED(MPI_Win_get_group) REFUSED(MPI_Win_get_name)
REFUSED(MPI_Win_lock) REFUSED(MPI_Win_post) REFUSED(MPI_Win_set_attr) REFUSED(MPI_Win_set_errhandler)
REFUSED(MPI_Win_set_name) REFUSED(MPI_Win_start) REFUSED(MPI_Win_test) REFUSED(MPI_Win_unlock)
REFUSED(MPI_Win_wait)

/* Objects whose addresses are the handles of MPI's C interface. */
#define HANDLE(name) char name[1024] __attribute__((aligned(16)));

HANDLE(ompi_mpi_comm_world) HANDLE(ompi_mpi_comm_null) HANDLE(ompi_mpi_op_sum) HANDLE(ompi_mpi_char)
HANDLE(ompi_mpi_double) HANDLE(ompi_mpi_float) HANDLE(ompi_mpi_int) HANDLE(ompi_mpi_long_long_int)

/* What the C++ interface needs: MPI::Comm::Comm(), MPI::Datatype::Free(), MPI::Win::Free() and two hooks. */
#define HOOK(name) void name(void) {}

HOOK(_ZN3MPI4CommC2Ev) HOOK(_ZN3MPI8Datatype4FreeEv) HOOK(_ZN3MPI3Win4FreeEv)
HOOK(ompi_mpi_cxx_op_intercept) HOOK(ompi_op_set_cxx_callback)

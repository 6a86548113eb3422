/*
 * The functions of WinFsp's library that a mount calls, and threads that bring it requests as the
 * library's do.
 */

static void *dispatch(void *argument) {
  Volume *self = argument;
  /* One buffer for all requests of a thread, as the library has it. */
  UINT8 *in = malloc(FSP_FSCTL_TRANSACT_REQ_SIZEMAX), *out = malloc(FSP_FSCTL_TRANSACT_RSP_SIZEMAX);
  Call *call;
  while ((call = nextCall(self))) {
    Request *request = (Request *)in;
    Response *response = (Response *)out;
    memcpy(in, &call->in, call->in.request.Size);
    memset(response, 0, sizeof *response);
    response->Size = sizeof *response;
    response->Kind = request->Kind;
    response->Hint = request->Hint;
    Operation *operation =
        request->Kind < FspFsctlTransactKindCount ? self->operations[request->Kind] : 0;
    STATUS status = operation ? operation(self, request, response) : invalidRequest;
    memset(in, 0xee, FSP_FSCTL_TRANSACT_REQ_SIZEMAX);
    pthread_mutex_lock(&lock);
    counters.inFlight--;
    if (status == pending) counters.pendings++;
    pthread_mutex_unlock(&lock);
    if (status != pending) {
      response->IoStatus.Status = status;
      response->Size = (UINT16)FSP_FSCTL_DEFAULT_ALIGN_UP(response->Size);
      answer(response);
    }
    memset(out, 0xdd, FSP_FSCTL_TRANSACT_RSP_SIZEMAX);
  }
  free(in);
  free(out);
  return 0;
}

static void *dispatchAll(void *argument) {
  Volume *self = argument;
  pthread_t threads[64];
  for (UINT32 index = 1; index < self->threadCount; index++)
    pthread_create(&threads[index], 0, dispatch, self);
  dispatch(self);
  for (UINT32 index = 1; index < self->threadCount; index++) pthread_join(threads[index], 0);
  Stopped *stopped = (Stopped *)self->interfaceTable[32];
  if (stopped) stopped(self, self->isNormal ? 1 : 0);
  pthread_mutex_lock(&lock);
  counters.dispatchers--;
  pthread_mutex_unlock(&lock);
  return 0;
}

PUBLIC STATUS FspVersion(UINT32 *version) {
  *version = 0x20001;
  return success;
}

static int isText(const WCHAR *text, const char *expected) {
  while (*expected && *text == (WCHAR)*expected) text++, expected++;
  return !*expected && !*text;
}

PUBLIC STATUS FspFileSystemPreflight(const WCHAR *device, const WCHAR *place) {
  if (!isText(device, "WinFsp.Disk")) return invalidParameter;
  return place && isText(place, "C:") ? nameCollision : success;
}

PUBLIC STATUS FspFileSystemCreate(
    const WCHAR *device, const FSP_FSCTL_VOLUME_PARAMS *params, void *const *table, Volume **made) {
  *made = 0;
  if (!isText(device, "WinFsp.Disk") || params->Version != sizeof *params) return invalidParameter;
  if (params->SectorSize != 512 || !params->ReadOnlyVolume || params->PersistentAcls ||
      params->CaseSensitiveSearch || params->FileInfoTimeout != 0xffffffff)
    return invalidParameter;
  if (volume) return nameCollision;
  Volume *self = calloc(1, sizeof *self);
  self->params = *params;
  self->interfaceTable = table;
  self->guards = 1;
  volume = *made = self;
  counters.volumes++;
  return success;
}

PUBLIC void FspFileSystemSetOperationGuardF(Volume *self, void *enter, void *leave) {
  self->guards = enter || leave;
}

PUBLIC void FspFileSystemSetOperationF(Volume *self, UINT32 kind, Operation *operation) {
  self->operations[kind] = operation;
}

PUBLIC STATUS FspFileSystemStartDispatcher(Volume *self, UINT32 threadCount) {
  if (self->guards || self->isStarted || threadCount > 64) return invalidParameter;
  self->threadCount = threadCount;
  self->isStarted = 1;
  counters.dispatchers++;
  return pthread_create(&self->dispatcher, 0, dispatchAll, self) ? notReady : success;
}

PUBLIC void FspFileSystemStopDispatcher(Volume *self) {
  if (!self->isStarted) return;
  stop(self, 1);
  pthread_join(self->dispatcher, 0);
  self->isStarted = 0;
}

PUBLIC void FspFileSystemDelete(Volume *self) {
  pthread_mutex_lock(&lock);
  volume = 0;
  counters.volumes--;
  pthread_mutex_unlock(&lock);
  free(self);
}

PUBLIC WCHAR *FspFileSystemMountPointF(Volume *self) { return self->place[0] ? self->place : 0; }

PUBLIC void FspFileSystemRemoveMountPoint(Volume *self) { self->place[0] = 0; }

PUBLIC void FspFileSystemSendResponse(Volume *self, Response *response) {
  (void)self;
  answer(response);
}

PUBLIC STATUS FspFileSystemSetMountPoint(Volume *self, const WCHAR *place) {
  static const WCHAR any[] = { 'Z', ':', 0 };
  const WCHAR *from = place ? place : any;
  for (int index = 0; index < 259 && from[index]; index++) self->place[index] = from[index];
  startRobot();
  return success;
}

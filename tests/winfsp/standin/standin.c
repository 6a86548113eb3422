/*
 * Stand-in: what takes WinFsp's place where there is no Windows, or no driver. It has the functions of
 * the library that a mount calls, with threads of its own that bring requests as the library's threads
 * do, and functions for the tests, which ask as Windows asks. The structs are WinFsp's own, from its
 * published header, so that nothing of the protocol is written down here a second time.
 *
 * It is as unkind as the driver may be: memory of a request is overwritten when the callback returns,
 * memory that a read goes to is unmapped with its answer, and an answer that nobody waits for is
 * counted. Builds for Linux (gcc) and for Windows (mingw-w64).
 */

#define WINFSP_DLL_INTERNAL /* lets the header check its own sizes */

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#undef _ReadWriteBarrier
#define align(n) aligned(n)
#define FSP_API extern
#define PUBLIC __declspec(dllexport)
typedef UINT32 STATUS;
#else
#include <sys/mman.h>
#define PUBLIC __attribute__((visibility("default")))
typedef uint32_t STATUS;
#endif
#include <winfsp/fsctl.h>

enum {
  success = 0,
  pending = 0x103,
  invalidParameter = 0xc000000d,
  invalidRequest = 0xc0000010,
  nameCollision = 0xc0000035,
  notReady = 0xc00000a3,
  cancelled = 0xc0000120,
};

typedef FSP_FSCTL_TRANSACT_REQ Request;
typedef FSP_FSCTL_TRANSACT_RSP Response;

/* A request from its making to its answer, as the driver keeps it. */
typedef struct Call {
  struct Call *next;
  pthread_cond_t answered;
  int isAnswered, isTaken;
  union { Request request; UINT8 bytes[FSP_FSCTL_TRANSACT_REQ_SIZEMAX]; } in;
  union { Response response; UINT8 bytes[FSP_FSCTL_TRANSACT_RSP_SIZEMAX]; } out;
} Call;

typedef struct Volume Volume;
typedef STATUS Operation(Volume *, Request *, Response *);
typedef VOID Stopped(Volume *, BOOLEAN normally);

struct Volume {
  FSP_FSCTL_VOLUME_PARAMS params;
  void *const *interfaceTable;
  Operation *operations[FspFsctlTransactKindCount];
  int guards;
  WCHAR place[260];
  pthread_t dispatcher;
  UINT32 threadCount;
  int isStarted, isStopped, isNormal;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static Volume *volume; /* one at a time */
static Call *calls;

/* What the tests ask for: see Counters in standin.ts. */
static struct {
  UINT32 callbacks, pendings, strays, misshapen, inFlight, inFlightMax;
  UINT32 volumes, dispatchers;
} counters;

static void *mapMemory(size_t bytes) {
#ifdef _WIN32
  return VirtualAlloc(0, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
#else
  void *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? 0 : memory;
#endif
}

static void unmapMemory(void *memory, size_t bytes) {
#ifdef _WIN32
  VirtualFree(memory, 0, MEM_RELEASE);
#else
  munmap(memory, bytes);
#endif
}

static void answer(const Response *response) {
  pthread_mutex_lock(&lock);
  Call *call = calls;
  while (call && (UINT64)(UINT_PTR)call != response->Hint) call = call->next;
  if (!call || call->isAnswered || !call->isTaken) counters.strays++;
  else {
    if (response->Size < sizeof *response || response->Size % 8 ||
        response->Size > FSP_FSCTL_TRANSACT_RSP_SIZEMAX ||
        response->Kind != call->in.request.Kind || response->IoStatus.Status == pending)
      counters.misshapen++;
    memcpy(&call->out, response, response->Size);
    call->isAnswered = 1;
    pthread_cond_signal(&call->answered);
  }
  pthread_mutex_unlock(&lock);
}

static Call *nextCall(Volume *self) {
  pthread_mutex_lock(&lock);
  Call *call = 0;
  while (!self->isStopped) {
    for (call = calls; call && call->isTaken; call = call->next);
    if (call) break;
    pthread_cond_wait(&arrived, &lock);
  }
  if (self->isStopped) call = 0;
  if (call) {
    call->isTaken = 1;
    counters.callbacks++;
    if (++counters.inFlight > counters.inFlightMax) counters.inFlightMax = counters.inFlight;
  }
  pthread_mutex_unlock(&lock);
  return call;
}

/* All that wait are told so, and their memory is taken back by who asked. */
static void stop(Volume *self, int isNormal) {
  pthread_mutex_lock(&lock);
  if (!self->isStopped) {
    self->isStopped = 1;
    self->isNormal = isNormal;
    for (Call *call = calls; call; call = call->next) {
      if (call->isAnswered) continue;
      call->out.response.IoStatus.Status = cancelled;
      call->isAnswered = 1;
      pthread_cond_signal(&call->answered);
    }
    pthread_cond_broadcast(&arrived);
  }
  pthread_mutex_unlock(&lock);
}

/* ---- Windows, as the tests play it ---- */

/* Asks and waits; the answer stays in the call. */
static STATUS ask(Call *call) {
  Request *request = &call->in.request;
  request->Version = 1;
  request->Hint = (UINT64)(UINT_PTR)call;
  pthread_cond_init(&call->answered, 0);
  pthread_mutex_lock(&lock);
  STATUS status = notReady;
  if (volume && !volume->isStopped) {
    Call **end = &calls;
    while (*end) end = &(*end)->next;
    *end = call;
    pthread_cond_signal(&arrived);
    while (!call->isAnswered) pthread_cond_wait(&call->answered, &lock);
    for (end = &calls; *end != call; end = &(*end)->next);
    *end = call->next;
    status = call->out.response.IoStatus.Status;
  }
  pthread_mutex_unlock(&lock);
  pthread_cond_destroy(&call->answered);
  return status;
}

static Call *makeCall(UINT32 kind, UINT64 file) {
  Call *call = calloc(1, sizeof *call);
  call->in.request.Kind = kind;
  call->in.request.Size = sizeof(Request);
  /* Requests about an open file name it in the same place. */
  call->in.request.Req.Close.UserContext2 = file;
  return call;
}

static void putText(Call *call, FSP_FSCTL_TRANSACT_BUF *range, const WCHAR *text) {
  Request *request = &call->in.request;
  size_t length = 1;
  while (text[length - 1]) length++;
  range->Offset = (UINT16)(request->Size - sizeof *request);
  range->Size = (UINT16)(length * sizeof(WCHAR));
  memcpy((UINT8 *)request + request->Size, text, range->Size);
  request->Size = (UINT16)FSP_FSCTL_DEFAULT_ALIGN_UP(request->Size + range->Size);
}

static STATUS finish(Call *call, STATUS status, UINT8 *out) {
  if (out) memcpy(out, &call->out, sizeof call->out);
  free(call);
  return status;
}

PUBLIC STATUS standinOpen(const WCHAR *path, UINT32 options, UINT32 access, UINT8 *out) {
  Call *call = makeCall(FspFsctlTransactCreateKind, 0);
  call->in.request.Req.Create.CreateOptions = options;
  call->in.request.Req.Create.DesiredAccess = access;
  call->in.request.Req.Create.UserMode = 1;
  putText(call, &call->in.request.FileName, path);
  return finish(call, ask(call), out);
}

/* Any other request that needs no more than the file. */
PUBLIC STATUS standinAsk(UINT32 kind, UINT64 file, UINT8 *out) {
  Call *call = makeCall(kind, file);
  if (kind == FspFsctlTransactFileSystemControlKind)
    call->in.request.Req.FileSystemControl.FsControlCode = 0x900a8;
  return finish(call, ask(call), out);
}

/* Memory of a request is there from its making to its answer, and no longer. */
static STATUS transfer(Call *call, UINT64 *address, UINT8 *target, UINT32 length, UINT32 *count) {
  size_t bytes = length ? length : 1;
  UINT8 *memory = mapMemory(bytes);
  memset(memory, 0xcc, bytes);
  *address = (UINT64)(UINT_PTR)memory;
  STATUS status = ask(call);
  *count = status == success ? call->out.response.IoStatus.Information : 0;
  if (*count > length) counters.misshapen++;
  else memcpy(target, memory, *count);
  unmapMemory(memory, bytes);
  return finish(call, status, 0);
}

PUBLIC STATUS standinRead(UINT64 file, UINT64 offset, UINT32 length, UINT8 *target, UINT32 *count) {
  Call *call = makeCall(FspFsctlTransactReadKind, file);
  call->in.request.Req.Read.Offset = offset;
  call->in.request.Req.Read.Length = length;
  return transfer(call, &call->in.request.Req.Read.Address, target, length, count);
}

PUBLIC STATUS standinList(UINT64 file, const WCHAR *marker, UINT32 length, UINT8 *target, UINT32 *count) {
  Call *call = makeCall(FspFsctlTransactQueryDirectoryKind, file);
  call->in.request.Req.QueryDirectory.Length = length;
  if (marker) putText(call, &call->in.request.Req.QueryDirectory.Marker, marker);
  return transfer(call, &call->in.request.Req.QueryDirectory.Address, target, length, count);
}

/* The driver ends the volume by itself, as when it is uninstalled. */
PUBLIC void standinVanish(void) {
  pthread_mutex_lock(&lock);
  Volume *self = volume;
  pthread_mutex_unlock(&lock);
  if (self) stop(self, 0);
}

PUBLIC void standinCount(UINT32 *out) {
  pthread_mutex_lock(&lock);
  memcpy(out, &counters, sizeof counters);
  memset(&counters, 0, offsetof(__typeof__(counters), volumes));
  pthread_mutex_unlock(&lock);
}

#include "robot.h"
#ifdef STANDIN_DRIVER
#include "driver.h"
#else
#include "library.h"
#endif

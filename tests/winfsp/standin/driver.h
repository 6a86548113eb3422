/*
 * The driver, for WinFsp's own library: its calls to the system are turned to the functions below, so
 * that everything of WinFsp but the driver is the real thing. Windows only, which Wine is, too.
 */

#define fakeHandle ((HANDLE)(UINT_PTR)0x7ffe0004)

typedef HANDLE WINAPI CreateFileCall(const WCHAR *, DWORD, DWORD, void *, DWORD, DWORD, HANDLE);
typedef BOOL WINAPI ControlCall(HANDLE, DWORD, void *, DWORD, void *, DWORD, DWORD *, void *);
typedef BOOL WINAPI CloseCall(HANDLE);
typedef BOOL WINAPI DefineCall(DWORD, const WCHAR *, const WCHAR *);

static CreateFileCall *realCreateFile;
static ControlCall *realControl;
static CloseCall *realClose;

/* What the library asks a volume of: its parameters, a byte in each character of the path. */
static BOOL readParams(const WCHAR *path, FSP_FSCTL_VOLUME_PARAMS *params) {
  static const WCHAR prefix[] = L"\\VolumeParams=";
  const WCHAR *found = wcsstr(path, prefix);
  if (!found) return FALSE;
  found += sizeof prefix / sizeof *prefix - 1;
  for (size_t index = 0; index < sizeof *params; index++)
    ((UINT8 *)params)[index] = (UINT8)(found[index] & 0xff);
  return TRUE;
}

static HANDLE WINAPI createFileHook(const WCHAR *path, DWORD access, DWORD share, void *security,
    DWORD disposition, DWORD flags, HANDLE template) {
  if (!wcsstr(path, L"\\Device\\WinFsp.Disk"))
    return realCreateFile(path, access, share, security, disposition, flags, template);
  FSP_FSCTL_VOLUME_PARAMS params;
  if (readParams(path, &params)) {
    if (params.Version != sizeof params || !params.ReadOnlyVolume || volume) {
      SetLastError(ERROR_INVALID_PARAMETER);
      return INVALID_HANDLE_VALUE;
    }
    Volume *self = calloc(1, sizeof *self);
    self->params = params;
    volume = self;
    counters.volumes++;
  }
  return fakeHandle;
}

static BOOL transact(UINT8 *in, DWORD inBytes, UINT8 *out, DWORD outBytes, DWORD *bytes) {
  *bytes = 0;
  for (UINT8 *at = in; at + sizeof(Response) <= in + inBytes;) {
    Response *response = (Response *)at;
    if (response->Size < sizeof *response) break;
    answer(response);
    at += FSP_FSCTL_DEFAULT_ALIGN_UP(response->Size);
  }
  if (!out || !outBytes) return TRUE;
  Call *call = nextCall(volume);
  if (!call) {
    SetLastError(ERROR_OPERATION_ABORTED);
    return FALSE;
  }
  memcpy(out, &call->in, call->in.request.Size);
  *bytes = call->in.request.Size;
  return TRUE;
}

static BOOL WINAPI controlHook(HANDLE handle, DWORD code, void *in, DWORD inBytes, void *out,
    DWORD outBytes, DWORD *bytes, void *overlapped) {
  static const WCHAR name[] = L"\\Device\\Volume{standin}";
  if (handle != fakeHandle)
    return realControl(handle, code, in, inBytes, out, outBytes, bytes, overlapped);
  if (code == FSP_FSCTL_TRANSACT) return transact(in, inBytes, out, outBytes, bytes);
  *bytes = 0;
  if (code == FSP_FSCTL_VOLUME_NAME) {
    memcpy(out, name, sizeof name);
    *bytes = sizeof name;
  } else if (code == FSP_FSCTL_VOLUME_LIST) return TRUE; /* whether anybody is there */
  else if (code == FSP_FSCTL_STOP || code == FSP_FSCTL_STOP0) stop(volume, 1);
  else {
    SetLastError(ERROR_INVALID_FUNCTION);
    return FALSE;
  }
  return TRUE;
}

static BOOL WINAPI closeHook(HANDLE handle) { return handle == fakeHandle || realClose(handle); }

/* The drive appears, or goes. */
static BOOL WINAPI defineHook(DWORD flags, const WCHAR *drive, const WCHAR *target) {
  if (!(flags & DDD_REMOVE_DEFINITION)) startRobot();
  return TRUE;
}

/* The driver's service, which runs. */
static SC_HANDLE WINAPI openManagerHook(const WCHAR *machine, const WCHAR *database, DWORD access) {
  return (SC_HANDLE)fakeHandle;
}

static SC_HANDLE WINAPI openServiceHook(SC_HANDLE manager, const WCHAR *name, DWORD access) {
  return (SC_HANDLE)fakeHandle;
}

static BOOL WINAPI queryServiceHook(SC_HANDLE service, SERVICE_STATUS *status) {
  memset(status, 0, sizeof *status);
  status->dwCurrentState = SERVICE_RUNNING;
  return TRUE;
}

static BOOL WINAPI startServiceHook(SC_HANDLE service, DWORD count, const WCHAR **arguments) {
  SetLastError(ERROR_SERVICE_ALREADY_RUNNING);
  return FALSE;
}

static BOOL WINAPI closeServiceHook(SC_HANDLE service) { return TRUE; }

static void *replace(const char *name, void *real) {
  if (!strcmp(name, "CreateFileW")) return realCreateFile = real, createFileHook;
  if (!strcmp(name, "DeviceIoControl")) return realControl = real, controlHook;
  if (!strcmp(name, "CloseHandle")) return realClose = real, closeHook;
  if (!strcmp(name, "OpenSCManagerW")) return openManagerHook;
  if (!strcmp(name, "OpenServiceW")) return openServiceHook;
  if (!strcmp(name, "QueryServiceStatus")) return queryServiceHook;
  if (!strcmp(name, "StartServiceW")) return startServiceHook;
  if (!strcmp(name, "CloseServiceHandle")) return closeServiceHook;
  return strcmp(name, "DefineDosDeviceW") ? 0 : defineHook;
}

/* Turns what the library has imported. */
static void takeOver(HMODULE module) {
  UINT8 *base = (UINT8 *)module;
  IMAGE_NT_HEADERS *headers = (void *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
  IMAGE_IMPORT_DESCRIPTOR *import =
      (void *)(base + headers->OptionalHeader.DataDirectory[1].VirtualAddress);
  for (; import->Name; import++) {
    ULONG_PTR *names = (void *)(base + import->OriginalFirstThunk);
    ULONG_PTR *addresses = (void *)(base + import->FirstThunk);
    for (; *names; names++, addresses++) {
      if (IMAGE_SNAP_BY_ORDINAL(*names)) continue;
      void *hook = replace(((IMAGE_IMPORT_BY_NAME *)(base + *names))->Name, (void *)*addresses);
      DWORD old;
      if (!hook) continue;
      VirtualProtect(addresses, sizeof *addresses, PAGE_READWRITE, &old);
      *addresses = (ULONG_PTR)hook;
      VirtualProtect(addresses, sizeof *addresses, old, &old);
    }
  }
}

/*
 * Robot: copies all that is mounted into the folder that WINFSP_ROBOT names, as several users would at
 * once, then lets the volume vanish, so that the mount ends. For runs in which no test is in the same
 * process. It stops at the first thing that is not as it should be, and says which in `robot.txt`.
 */

enum { robotThreads = 4, robotFilesMax = 4096, listBytes = 1000, readBytes = 100 * 1000 };

static struct {
  const char *folder;
  WCHAR *paths[robotFilesMax]; /* of files, found before they are read */
  int pathCount, nextPath, folderCount, linkCount;
  UINT64 bytes;
  char problem[400];
} robot;

static void complain(const char *what, const WCHAR *path, STATUS status) {
  pthread_mutex_lock(&lock);
  if (!robot.problem[0]) {
    int end = snprintf(robot.problem, 200, "%s: 0x%x ", what, (unsigned)status);
    for (; path && *path && end < 380; path++) robot.problem[end++] = *path < 128 ? (char)*path : '?';
    robot.problem[end] = 0;
  }
  pthread_mutex_unlock(&lock);
}

static WCHAR *joinPath(const WCHAR *folder, const WCHAR *name, size_t length) {
  size_t start = 0;
  while (folder[start]) start++;
  if (start == 1) start = 0; /* the root is a separator by itself */
  WCHAR *path = calloc(start + length + 2, sizeof *path);
  memcpy(path, folder, start * sizeof *path);
  path[start] = '\\';
  memcpy(path + start + 1, name, length * sizeof *path);
  return path;
}

/* UTF-16 as UTF-8, below the robot's folder. */
static void outputPath(const WCHAR *path, char *target) {
  char *at = target + sprintf(target, "%s", robot.folder);
  for (; *path; path++) {
    UINT32 code = *path;
    if (code >= 0xd800 && code < 0xdc00 && path[1] >= 0xdc00)
      code = 0x10000 + ((code - 0xd800) << 10) + (*++path - 0xdc00);
    if (code == '\\') *at++ = '/';
    else if (code < 0x80) *at++ = (char)code;
    else {
      int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      *at++ = (char)((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | code >> (6 * more));
      while (more-- > 0) *at++ = (char)(0x80 | (code >> (6 * more) & 0x3f));
    }
  }
  *at = 0;
}

#ifdef _WIN32
static void wide(const char *path, WCHAR *target) { MultiByteToWideChar(CP_UTF8, 0, path, -1, target, 4096); }
static FILE *createFile(const char *path) {
  WCHAR text[4096];
  wide(path, text);
  return _wfopen(text, L"wb");
}
static void createFolder(const char *path) {
  WCHAR text[4096];
  wide(path, text);
  CreateDirectoryW(text, 0);
}
#else
#include <sys/stat.h>
static FILE *createFile(const char *path) { return fopen(path, "wb"); }
static void createFolder(const char *path) { mkdir(path, 0777); }
#endif

static UINT64 openAs(const WCHAR *path, UINT32 options, Response *response) {
  union { Response response; UINT8 bytes[FSP_FSCTL_TRANSACT_RSP_SIZEMAX]; } out;
  STATUS status = standinOpen(path, 0x1000000 | options, 0x120089, out.bytes);
  if (status != success) {
    complain("open", path, status);
    return 0;
  }
  memcpy(response, &out, sizeof *response);
  return response->Rsp.Create.Opened.UserContext2;
}

static void walkFolder(const WCHAR *path);

static void walkRow(const WCHAR *folder, const FSP_FSCTL_DIR_INFO *row) {
  size_t length = (row->Size - sizeof *row) / sizeof(WCHAR);
  if (row->FileNameBuf[0] == '.' && (length == 1 || (length == 2 && row->FileNameBuf[1] == '.'))) return;
  WCHAR *path = joinPath(folder, row->FileNameBuf, length);
  if (row->FileInfo.FileAttributes & 0x400) robot.linkCount++;
  else if (row->FileInfo.FileAttributes & 0x10) walkFolder(path);
  else if (robot.pathCount < robotFilesMax) {
    robot.paths[robot.pathCount++] = path;
    return;
  }
  free(path);
}

static void walkFolder(const WCHAR *path) {
  Response response;
  char output[8192];
  UINT64 file = openAs(path, 1, &response);
  if (!file) return;
  robot.folderCount++;
  outputPath(path, output);
  createFolder(output);
  UINT8 rows[listBytes];
  WCHAR marker[256];
  for (int isEnd = 0, isFirst = 1; !isEnd && !robot.problem[0]; isFirst = 0) {
    UINT32 count = 0;
    STATUS status = standinList(file, isFirst ? 0 : marker, listBytes, rows, &count);
    if (status != success || count < 2) return complain("list", path, status);
    for (UINT32 at = 0; at + 2 <= count;) {
      FSP_FSCTL_DIR_INFO *row = (FSP_FSCTL_DIR_INFO *)(rows + at);
      if (row->Size == 0) {
        isEnd = 1;
        break;
      }
      size_t length = row->Size - sizeof *row;
      memcpy(marker, row->FileNameBuf, length);
      marker[length / sizeof(WCHAR)] = 0;
      walkRow(path, row);
      at += FSP_FSCTL_DEFAULT_ALIGN_UP(row->Size);
    }
  }
  standinAsk(FspFsctlTransactCloseKind, file, 0);
}

static void copyFile(const WCHAR *path) {
  Response response;
  char output[8192];
  UINT64 file = openAs(path, 0x40, &response);
  if (!file) return;
  outputPath(path, output);
  FILE *target = createFile(output);
  if (!target) return complain("create", path, 0);
  UINT8 *bytes = malloc(readBytes);
  UINT64 size = response.Rsp.Create.Opened.FileInfo.FileSize, offset = 0;
  while (offset < size && !robot.problem[0]) {
    UINT32 count = 0;
    STATUS status = standinRead(file, offset, readBytes, bytes, &count);
    UINT64 wanted = size - offset < readBytes ? size - offset : readBytes;
    if (status != success || count != wanted) complain("read", path, status);
    fwrite(bytes, 1, count, target);
    offset += count;
  }
  free(bytes);
  fclose(target);
  standinAsk(FspFsctlTransactCloseKind, file, 0);
  pthread_mutex_lock(&lock);
  robot.bytes += offset;
  pthread_mutex_unlock(&lock);
}

static void *copyFiles(void *unused) {
  for (;;) {
    pthread_mutex_lock(&lock);
    int index = robot.nextPath < robot.pathCount ? robot.nextPath++ : -1;
    pthread_mutex_unlock(&lock);
    if (index < 0) return unused;
    copyFile(robot.paths[index]);
    free(robot.paths[index]);
  }
}

/* What must be refused is refused. */
static void provoke(void) {
  static const WCHAR root[] = { '\\', 0 }, missing[] = { '\\', 'n', 'o', 'n', 'e', 0 };
  UINT8 byte;
  UINT32 count = 0;
  if (standinOpen(missing, 0x1000000, 0x120089, 0) != 0xc0000034) complain("a missing name", missing, 0);
  if (standinOpen(missing, 0x2000000, 0x120089, 0) != 0xc00000a2) complain("a new name", missing, 0);
  if (standinOpen(root, 0x1000000, 0x40, 0) != 0xc00000a2) complain("a change", root, 0);
  if (standinRead(987654321, 0, 1, &byte, &count) != 0xc000000d) complain("no open file", root, 0);
  if (standinAsk(FspFsctlTransactWriteKind, 1, 0) != 0xc00000a2) complain("a write", root, 0);
}

static void *runRobot(void *unused) {
  static const WCHAR root[] = { '\\', 0 };
  pthread_t threads[robotThreads];
  char path[4096];
  provoke();
  walkFolder(root);
  for (int index = 0; index < robotThreads; index++) pthread_create(&threads[index], 0, copyFiles, 0);
  for (int index = 0; index < robotThreads; index++) pthread_join(threads[index], 0);
  snprintf(path, sizeof path, "%s/robot.txt", robot.folder);
  FILE *report = createFile(path);
  fprintf(report, "{\"files\":%d,\"folders\":%d,\"links\":%d,\"bytes\":%llu,\"strays\":%u,"
    "\"misshapen\":%u,\"problem\":\"%s\"}\n", robot.pathCount, robot.folderCount, robot.linkCount,
    (unsigned long long)robot.bytes, (unsigned)counters.strays, (unsigned)counters.misshapen,
    robot.problem);
  fclose(report);
#ifdef _WIN32
  /* As a person would. */
  if (getenv("WINFSP_ROBOT_CTRL_C") && GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)) return unused;
#endif
  standinVanish();
  return unused;
}

static void startRobot(void) {
  pthread_t thread;
  robot.folder = getenv("WINFSP_ROBOT");
  if (robot.folder && !pthread_create(&thread, 0, runRobot, 0)) pthread_detach(thread);
}

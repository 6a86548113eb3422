#!/bin/sh
# Installs blockframe: downloads the file for this machine, verifies it, and puts it in place with one
# rename. Nothing that was downloaded is run before its digest is right, and what was there before
# stays until the new one is whole. Runs in any POSIX shell; docs/release.md tells more.
#
#   sh install.sh --base-url https://example.org/blockframe/0.1.0
#
# BlockFrame has no public home yet, so the address is yours to give.

set -u
umask 022

usage() {
  cat <<'END'
Installs blockframe for Linux (x86-64, 64-bit ARM) and macOS.

usage: sh install.sh --base-url URL [--prefix DIR] [--version VERSION] [--public-key KEY]

  --base-url URL     the folder with SHA256SUMS and the downloads; {version} in it becomes
                     VERSION (or set BLOCKFRAME_BASE_URL); a folder of this machine, such as
                     /media/usb/release or ./dist, needs no network
  --prefix DIR       install as DIR/bin/blockframe
                     (default: /usr/local for root, ~/.local for others)
  --version VERSION  accept this version only
  --public-key KEY   also verify the signature of SHA256SUMS with minisign; KEY is the text of
                     the key or a file (or set BLOCKFRAME_PUBLIC_KEY)
  --help             this text

To uninstall, remove these below DIR: bin/blockframe, share/doc/blockframe,
share/man/man1/blockframe.1, share/bash-completion/completions/blockframe,
share/zsh/site-functions/_blockframe, share/fish/vendor_completions.d/blockframe.fish
END
}

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  say "install.sh: $*"
  exit 1
}

misused() {
  say "install.sh: $*"
  say "install.sh: --help tells the options"
  exit 2
}

# Gives the target's name, or says why there is no file for this machine.
find_target() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
  x86_64 | amd64) processor=x86_64 ;;
  aarch64 | arm64) processor=aarch64 ;;
  armv6l | armv7l | armv8l | i?86)
    fail "This system is 32-bit ($machine). BlockFrame needs a 64-bit one: on a Raspberry Pi 3 or" \
      "newer, install the 64-bit Raspberry Pi OS"
    ;;
  *) fail "There is no download for processors of the kind $machine, only x86_64 and aarch64" ;;
  esac
  case $system in
  Darwin) target=$processor-apple-darwin ;;
  Linux)
    target=$processor-unknown-linux-gnu
    refuse_other_linux
    ;;
  *) fail "There is no download for $system here: only for Linux and macOS" ;;
  esac
}

refuse_other_linux() {
  # A 32-bit Raspberry Pi OS runs on a 64-bit kernel, and then uname says aarch64.
  bits=$(getconf LONG_BIT 2>/dev/null)
  if [ "$bits" = 32 ]; then
    fail "The kernel is 64-bit ($machine), but the system's programs are 32-bit: install the 64-bit" \
      "Raspberry Pi OS (or the 64-bit version of your system)"
  fi
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || libc=
  case $libc in
  "glibc "*) ;;
  *)
    fail "This system has no glibc (Alpine and others have musl instead), and BlockFrame needs it:" \
      "use a container with Debian or Ubuntu"
    ;;
  esac
  version=${libc#glibc }
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  if [ "$major" -lt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -lt 27 ]; }; then
    fail "This system has glibc $version, and BlockFrame needs 2.27 or newer"
  fi
}

require_tools() {
  if is_folder; then
    fetcher=none
  elif command -v curl >/dev/null; then
    fetcher=curl
  elif command -v wget >/dev/null; then
    fetcher=wget
  else
    fail "Neither curl nor wget is installed: install one of them"
  fi
  if command -v sha256sum >/dev/null; then
    summer=sha256sum
  elif command -v shasum >/dev/null; then
    summer="shasum -a 256"
  else
    fail "sha256sum is not installed, so nothing could be verified: install coreutils"
  fi
  if [ "$system" = Linux ] && ! command -v xz >/dev/null; then
    fail "xz is not installed, so nothing could be unpacked: install xz-utils (Debian) or xz"
  fi
  if [ -n "$key" ] && ! command -v minisign >/dev/null; then
    fail "minisign is not installed, so the signature cannot be verified: install minisign, or" \
      "leave --public-key out and trust the address alone"
  fi
}

# Whether the files are on this machine already, as on a stick.
is_folder() {
  case $base_url in
  /* | ./* | ../*) ;;
  *) false ;;
  esac
}

# Over plain http anybody on the way can change the sums together with the file.
refuse_plain_http() {
  case $base_url in
  https://* | /* | ./* | ../*) ;;
  http://127.0.0.1[:/]* | http://localhost[:/]*) ;;
  http://*)
    [ -n "$key" ] || fail "Over plain http nothing says who the files are from: use https, or" \
      "give the key (--public-key)"
    ;;
  *) misused "--base-url must begin with https:// (or with / or ./ for a folder), not \"$base_url\"" ;;
  esac
}

# fetch NAME FILE
fetch() {
  if [ "$fetcher" = none ]; then
    cp "$base_url/$1" "$2" || fail "Cannot copy $base_url/$1"
    return
  fi
  say "Downloading $base_url/$1"
  if [ "$fetcher" = curl ]; then
    curl --fail --silent --show-error --location --proto-redir "=${base_url%%:*},https" \
      --retry 2 --connect-timeout 30 \
      --output "$2" "$base_url/$1"
  elif wget --help 2>&1 | grep -q -- --tries; then
    wget --quiet --tries=3 --timeout=60 --output-document="$2" "$base_url/$1"
  else # busybox
    wget -q -O "$2" "$base_url/$1"
  fi || fail "Cannot download $base_url/$1"
}

# Makes the folder in which all is prepared: below the prefix, so that the last step is a rename.
make_stage() {
  mkdir -p "$prefix/bin" 2>/dev/null
  if [ ! -d "$prefix/bin" ] || [ ! -w "$prefix/bin" ]; then
    fail "Cannot write to $prefix/bin: choose another folder with --prefix, or be root"
  fi
  stage=$(mktemp -d "$prefix/.blockframe-install.XXXXXX") ||
    fail "Cannot write to $prefix: choose another folder with --prefix, or be root"
  trap 'rm -rf "$stage"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

verify_signature() {
  [ -n "$key" ] || return 0
  fetch SHA256SUMS.minisig "$stage/SHA256SUMS.minisig"
  if [ -f "$key" ]; then
    minisign -V -q -p "$key" -m "$stage/SHA256SUMS"
  else
    minisign -V -q -P "$key" -m "$stage/SHA256SUMS"
  fi || fail "The signature of SHA256SUMS is not by that key: nothing was installed"
}

# Gives the name of the download, from the sums: the one line that is for this machine.
choose_file() {
  wanted=${wanted_version:-'[0-9][0-9A-Za-z.+-]*'}
  lines=$(grep -E "^[0-9a-f]{64}  blockframe-$wanted-$target\.tar\.xz\$" "$stage/SHA256SUMS")
  count=$(printf '%s' "$lines" | grep -c .)
  if [ "$count" -ne 1 ]; then
    named=$(printf '%s' "${wanted_version:-any version}" | tr -d '\134')
    fail "SHA256SUMS at $base_url names $count downloads of $named for $target, not one"
  fi
  sum=${lines%% *}
  file=${lines##* }
}

verify_file() {
  found=$($summer <"$stage/$file") || fail "Cannot read $stage/$file"
  found=${found%% *}
  if [ "$found" != "$sum" ]; then
    fail "$file is not what SHA256SUMS says (its SHA-256 is $found, it should be $sum): the" \
      "download was cut short or changed on the way. Nothing was installed"
  fi
}

unpack() {
  mkdir "$stage/files" || fail "Cannot write to $stage"
  tar -xJf "$stage/$file" -C "$stage/files" --strip-components=1 ||
    fail "Cannot unpack $file in $prefix (see above): nothing was installed"
  rm -f "$stage/$file"
  installed=$("$stage/files/bin/blockframe" --version) ||
    fail "The new blockframe does not run here (see above): nothing was installed"
  # Not by the shell: the one of Ubuntu 18.04 knows no newline in a pattern.
  installed=$(printf '%s\n' "$installed" | sed 1q)
}

# The program last: its rename is the moment from which the new version counts.
put_in_place() {
  (cd "$stage/files" && find share -type f) >"$stage/places" 2>/dev/null || : >"$stage/places"
  printf 'bin/blockframe\n' >>"$stage/places"
  # On the disk before it has its name; an old sync knows no names of files and syncs all.
  sync "$stage/files/bin/blockframe" 2>/dev/null || sync
  while IFS= read -r place; do
    # mv would put the file into it.
    [ ! -d "$prefix/$place" ] || fail "$prefix/$place is a folder, and in the way"
    mkdir -p "$prefix/${place%/*}" || fail "Cannot make $prefix/${place%/*}"
    mv -f "$stage/files/$place" "$prefix/$place" || fail "Cannot write $prefix/$place"
  done <"$stage/places"
}

main() {
  base_url=${BLOCKFRAME_BASE_URL:-}
  key=${BLOCKFRAME_PUBLIC_KEY:-}
  prefix=
  wanted_version=
  while [ $# -gt 0 ]; do
    case $1 in
    --help | -h)
      usage
      exit 0
      ;;
    --base-url | --prefix | --version | --public-key)
      [ -n "${2:-}" ] || misused "$1 needs a value"
      case $1 in
      --base-url) base_url=$2 ;;
      --prefix) prefix=$2 ;;
      --version) wanted_version=$2 ;;
      --public-key) key=$2 ;;
      esac
      shift 2
      ;;
    *) misused "$1 is no option" ;;
    esac
  done
  prepare
  fetch SHA256SUMS "$stage/SHA256SUMS"
  verify_signature
  choose_file
  fetch "$file" "$stage/$file"
  verify_file
  unpack
  put_in_place
  say "Installed $installed as $prefix/bin/blockframe"
  case ":$PATH:" in
  *":$prefix/bin:"*)
    first=$(command -v blockframe)
    [ "$first" = "$prefix/bin/blockframe" ] ||
      say "Another blockframe comes first in your PATH: $first"
    ;;
  *) say "$prefix/bin is not in your PATH: add it, or type the whole path" ;;
  esac
}

prepare() {
  [ -n "$base_url" ] ||
    misused "--base-url is needed: BlockFrame has no public home yet that could be the default"
  case $wanted_version in
  *[!0-9A-Za-z.+-]*) misused "--version \"$wanted_version\" is no version" ;;
  esac
  case $base_url in
  *"{version}"*)
    [ -n "$wanted_version" ] || misused "--version is needed: the address has {version} in it"
    base_url=${base_url%%"{version}"*}$wanted_version${base_url#*"{version}"}
    ;;
  esac
  base_url=${base_url%/}
  wanted_version=$(printf '%s' "$wanted_version" | sed 's/[.+]/\\&/g')
  find_target
  refuse_plain_http
  require_tools
  if [ -z "$prefix" ]; then
    if [ "$(id -u)" -eq 0 ]; then
      prefix=/usr/local
    else
      prefix=${HOME:?HOME is not set: choose a folder with --prefix}/.local
    fi
  fi
  case $prefix in
  /*) ;;
  *) prefix=$PWD/$prefix ;;
  esac
  make_stage
}

# In a function, called at the end: a script that was cut short on its way does nothing.
main "$@"

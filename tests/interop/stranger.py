#!/usr/bin/env python3
"""Read and repair BlockFrame entries with nothing but Python 3 and docs/format.md.

This is not part of BlockFrame. It is the proof that docs/format.md is enough: it
was written from that page alone, by somebody who had not seen the program, and
stranger_test.ts makes the two work on each other's archives. It shares no code
with BlockFrame; BLAKE3 and the field of 256 elements are its own.

    python3 stranger.py restore ENTRY_FOLDER OUTPUT
        0  the payload is in OUTPUT, every leaf of it checked
        4  something cannot be rebuilt: nothing is written, and stdout has
           {"lost": [{"offset": …, "bytes": …}, …]}, the ranges of the payload
    python3 stranger.py repair ENTRY_FOLDER
        0  nothing was wrong      1  all damage was repaired
        4  something is left (what could be repaired was)
    both
        2  not an entry that this program can read; stderr says why

"Section" in the comments means a section of docs/format.md.
"""

import collections
import functools
import json
import os
import re
import struct
import sys

# ---------------------------------------------------------------- BLAKE3
#
# One Python integer holds the same state word of many chunks at once, each in a
# lane of 64 bits of which the lower 32 are used: additions and rotations spill
# into the upper half of a lane, and the mask cuts that off. So one compression
# of Python's long integers compresses up to LANES chunks.
# (BLAKE3 itself: https://github.com/BLAKE3-team/BLAKE3-specs)

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
MIXES = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
         (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
CHUNK = 1024
LANES = 1024


def ceil(a, b):
    return -(-a // b)


def lanes(values):
    """An integer with one value in each lane."""
    return int.from_bytes(struct.pack("<%dQ" % len(values), *values), "little")


def compress(state, words, counters, length, flags, ones):
    """BLAKE3's compression function on all lanes; `ones` has a 1 in each."""
    mask = ones * 0xFFFFFFFF
    v = list(state) + [ones * x for x in IV[:4]]
    v += [counters & mask, counters >> 32 & mask, ones * length, ones * flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(MIXES):
            va, vb = v[a] + v[b] + words[2 * i] & mask, v[b]
            vd = v[d] ^ va
            vd = (vd >> 16 | vd << 16) & mask
            vc = v[c] + vd & mask
            vb ^= vc
            vb = (vb >> 12 | vb << 20) & mask
            va = va + vb + words[2 * i + 1] & mask
            vd ^= va
            vd = (vd >> 8 | vd << 24) & mask
            vc = vc + vd & mask
            vb ^= vc
            v[a], v[b], v[c], v[d] = va, (vb >> 7 | vb << 25) & mask, vc, vd
        words = [words[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def hash_equal(data, count, counter, first, last):
    """Chaining values of `count` inputs of equal length, which lie one after the other in `data`.

    `counter` is the number of the first (None: 0 for all), `first` and `last` the flags for the
    first and the last block of each input.
    """
    if count == 0:
        return []
    size = len(data) // count
    if count > LANES:
        at = LANES * size
        rest = None if counter is None else counter + LANES
        return (hash_equal(data[:at], LANES, counter, first, last)
                + hash_equal(data[at:], count - LANES, rest, first, last))
    blocks = max(1, ceil(size, 64))
    data = data.ljust(blocks * 64, b"\0")  # a partial block is only in the last chunk of a stream: count is 1
    words = struct.unpack("<%dI" % (len(data) // 4), data)
    ones = lanes([1] * count)
    counters = 0 if counter is None else lanes(range(counter, counter + count))
    state = [ones * x for x in IV]
    for b in range(blocks):
        block = [lanes(words[b * 16 + w::blocks * 16]) for w in range(16)]
        flags = (first if b == 0 else 0) | (last if b == blocks - 1 else 0)
        state = compress(state, block, counters, min(64, size - b * 64), flags, ones)
    columns = [struct.unpack("<%dQ" % count, x.to_bytes(8 * count, "little")) for x in state]
    return [struct.pack("<8I", *row) for row in zip(*columns)]


def chunk_values(data, counter, root=0):
    """Chaining values of the chunks of `data`, the first of which has the number `counter`."""
    whole = len(data) // CHUNK
    values = hash_equal(data[:whole * CHUNK], whole, counter, CHUNK_START, CHUNK_END | root)
    if len(data) > whole * CHUNK or not data:
        values += hash_equal(data[whole * CHUNK:], 1, counter + whole, CHUNK_START, CHUNK_END | root)
    return values


def join(values, root=0):
    """One level up in the tree: neighbours joined pairwise, an odd last one as it is."""
    pairs = len(values) // 2
    return hash_equal(b"".join(values[:2 * pairs]), pairs, None, PARENT, PARENT | root) + values[2 * pairs:]


def root_of(values):
    while len(values) > 1:
        values = join(values, ROOT if len(values) == 2 else 0)
    return values[0]


def blake3(data):
    return chunk_values(data, 0, ROOT)[0] if len(data) <= CHUNK else root_of(chunk_values(data, 0))


# ---------------------------------------------------------------- GF(2^8) and Reed-Solomon (section 6)

EXP = [1]
while len(EXP) < 255:
    EXP.append(EXP[-1] << 1 ^ (0x11D if EXP[-1] & 0x80 else 0))
LOG = {x: i for i, x in enumerate(EXP)}


def multiply(a, b):
    return EXP[(LOG[a] + LOG[b]) % 255] if a and b else 0


# x.translate(TIMES[a]) is a * x, for all bytes of x
TIMES = [bytes(multiply(a, b) for b in range(256)) for a in range(256)]


def combine(coefficients, rows, length):
    """The sum of coefficient * row, for rows of `length` bytes."""
    total = 0
    for c, row in zip(coefficients, rows):
        if c:
            total ^= int.from_bytes(row if c == 1 else row.translate(TIMES[c]), "little")
    return total.to_bytes(length, "little")


def invert(matrix):
    """The inverse of a square matrix, which is a list of rows, by Gauss and Jordan."""
    n = len(matrix)
    rows = [bytes(row) + bytes(i == j for j in range(n)) for i, row in enumerate(matrix)]
    for i in range(n):
        pivot = next(j for j in range(i, n) if rows[j][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = rows[i].translate(TIMES[EXP[-LOG[rows[i][i]] % 255]])
        for j in range(n):
            if j != i and rows[j][i]:
                rows[j] = combine((1, rows[j][i]), (rows[j], rows[i]), 2 * n)
    return [row[n:] for row in rows]


@functools.lru_cache(maxsize=4)
def generator(k, m):
    vandermonde = [b"\1" * (k + m)]  # by columns: each is the one before times the number of the row
    for _ in range(k - 1):
        vandermonde.append(bytes(multiply(x, r) for r, x in enumerate(vandermonde[-1])))
    vandermonde = [bytes(row) for row in zip(*vandermonde)]
    inverse = invert(vandermonde[:k])
    return [combine(row, inverse, k) for row in vandermonde]


@functools.lru_cache(maxsize=64)
def decoder(k, m, shards):
    """What makes all k + m shards of these k."""
    inverse = invert([generator(k, m)[i] for i in shards])
    return [combine(row, inverse, k) for row in generator(k, m)]


# ---------------------------------------------------------------- An entry

COPIES = ("", "hashes", "hashes_1", "hashes_2")
PAGE = 65536
BAND = 1 << 20  # bytes of each shard that are looked at together


class Unreadable(Exception):
    pass


# Path of the file, its right length, the offset of its first byte in its stream, the length
# of that stream (section 5), and the slot of its first leaf in the outboard.
Shard = collections.namedtuple("Shard", "path length offset stream slot")


def read_file(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return None


class Entry:
    def __init__(self, folder):
        self.folder = folder
        self.manifest = self.vote()
        self.geometry(json.loads(self.manifest))
        self.load_outboard(json.loads(self.manifest)["outboard"])

    def places(self, name):
        return [os.path.join(self.folder, copy, name) for copy in COPIES]

    def vote(self):
        """The content of the manifest (sections 3 and 7.1)."""
        good = collections.Counter()
        for path in self.places("manifest.json"):
            data = read_file(path) or b""
            end = re.search(rb'(?:\n|\A)(  "manifest_blake3": "([0-9a-f]{64})"\n}\n)\Z', data)
            if end and blake3(data[:end.start(1)]).hex().encode() == end[2]:
                good[data] += 1
        first = good.most_common(2)
        if not first:
            raise Unreadable("no good copy of the manifest")
        if len(first) == 2 and first[0][1] == first[1][1]:
            raise Unreadable("good copies of the manifest differ, and none has a majority")
        return first[0][0]

    def geometry(self, manifest):
        """Section 4."""
        if (manifest["format"] != "blockframe" or manifest["version"] != 1
                or set(manifest["required_features"]) - {"cross_block_parity"}):
            raise Unreadable("made by a newer program: version %s, features %s"
                             % (manifest["version"], manifest["required_features"]))
        policy = re.fullmatch(r"(?:erasure:(\d+)\+|replicate:)(\d+)", manifest["policy"])
        if not policy:
            raise Unreadable("unknown policy " + manifest["policy"])
        self.k, self.m = (int(policy[1]), int(policy[2])) if policy[1] else (1, int(policy[2]) - 1)
        self.size, self.segment, self.leaf = (manifest[x + "_bytes"] for x in ("payload", "segment", "leaf"))
        self.root = manifest["root"]
        if (self.leaf not in (1024 << i for i in range(7)) or self.segment % self.leaf
                or self.k < 1 or self.m < 0 or self.k + self.m > 256):
            raise Unreadable("its numbers are out of bounds")
        self.segments = ceil(self.size, self.segment) if self.size else 0
        self.blocks = ceil(self.segments, self.k)
        cross = manifest.get("cross_block", {"groups": 1, "parity": 0})
        self.groups, self.g = cross["groups"], cross["parity"]
        if self.groups < 1 or self.g and ceil(self.blocks, self.groups) + self.g > 256:
            raise Unreadable("its numbers are out of bounds")
        self.columns = min(self.segments, self.groups * self.k) if self.g else 0
        self.data_slots = ceil(self.size, self.leaf)
        self.block_slots = self.data_slots + sum(self.m * self.rows(b) for b in range(self.blocks))
        self.slots = self.block_slots + sum(self.g * self.rows(self.blocks + t) for t in range(self.columns))

    # Columns have the numbers after those of the blocks: column t is "block" self.blocks + t.

    def in_block(self, b):
        """Number of data shards of block b."""
        if b < self.blocks:
            return min(self.k, self.segments - b * self.k)
        return ceil(self.segments - (b - self.blocks), self.groups * self.k)

    def parity_of(self, b):
        return self.m if b < self.blocks else self.g

    def segment_of(self, b, i):
        return b * self.k + i if b < self.blocks else b - self.blocks + i * self.groups * self.k

    def block_length(self, b):
        return min(self.segment, self.size - self.segment_of(b, 0) * self.segment)

    def rows(self, b):
        return ceil(self.block_length(b), self.leaf)

    def shard(self, b, i):
        """Shard i of block b: first the data, then the parity (sections 2, 4 and 5)."""
        def number(x, count):
            return str(x).zfill(len(str(count - 1)))

        s, p, t = self.segment_of(b, i), i - self.in_block(b), b - self.blocks
        if p >= 0 and t >= 0:
            path = "groups/group_%s/column_%s_parity_%s.dat" % (
                number(t // self.k, self.groups), number(t % self.k, self.k), number(p, self.g))
            slot = self.block_slots + t * self.g * (self.segment // self.leaf) + p * self.rows(b)
            length = self.block_length(b)
            return Shard(os.path.join(self.folder, path), length, 0, length, slot)
        folder = "" if self.k == 1 else "blocks/block_" + number(s // self.k if p < 0 else b, self.blocks)
        block = os.path.join(self.folder, folder)
        if p < 0:
            path = "segments/segment_%s.dat" % number(s, self.segments)
            offset = s * self.segment
            return Shard(os.path.join(block, path), min(self.segment, self.size - offset),
                         offset, self.size, offset // self.leaf)
        path = "parity/%sparity_%s.dat" % (
            "segment_%s_" % number(b, self.segments) if self.k == 1 else "", number(p, self.m))
        slot = self.data_slots + b * self.m * (self.segment // self.leaf) + p * self.rows(b)
        length = self.block_length(b)
        return Shard(os.path.join(block, path), length, 0, length, slot)

    def shards(self):
        for b in range(self.blocks):
            for i in range(self.in_block(b) + self.m):
                yield self.shard(b, i)
        for b in range(self.blocks, self.blocks + self.columns):
            for p in range(self.g):
                yield self.shard(b, self.in_block(b) + p)

    # ------------------------------------------------------------ leaves

    def leaf_bytes(self, shard, r):
        return max(0, min(self.leaf, shard.length - r * self.leaf))

    def read_leaves(self, shard, first, end):
        """The leaves first … end - 1 of a shard; None for what is not there or cannot be read."""
        def read(f, r):
            try:
                f.seek(r * self.leaf)
                data = f.read(self.leaf_bytes(shard, r))
                return data if len(data) == self.leaf_bytes(shard, r) else None
            except OSError:
                return None

        try:
            with open(shard.path, "rb", buffering=0) as f:
                return [read(f, r) for r in range(first, end)]
        except OSError:
            return [None] * (end - first)

    def digests(self, shard, first, leaves):
        """Section 5. What a leaf of None gets means nothing."""
        lengths = [self.leaf_bytes(shard, first + i) for i in range(len(leaves))]
        data = b"".join(bytes(n) if x is None else x for x, n in zip(leaves, lengths))
        if shard.stream <= self.leaf:
            return [blake3(data)]
        values = chunk_values(data, (shard.offset + first * self.leaf) // CHUNK)
        for _ in range((self.leaf // CHUNK).bit_length() - 1):
            values = join(values)
        return values

    def good_leaves(self, shard, first, end):
        """Like read_leaves, and None for what does not have its digest."""
        end = min(end, ceil(shard.length, self.leaf))
        if first >= end:
            return []
        leaves = self.read_leaves(shard, first, end)
        if any(x is not None for x in leaves):
            for i, digest in enumerate(self.digests(shard, first, leaves)):
                if digest != self.outboard[shard.slot + first + i]:
                    leaves[i] = None
        return leaves

    # ------------------------------------------------------------ outboard

    def load_outboard(self, member):
        """A digest for each slot; None in a page that no copy has and that cannot be computed (section 5)."""
        self.pages = None
        if "inline" in member:
            data = bytes.fromhex(member["inline"])
            self.outboard = [data[i:i + 32] for i in range(0, len(data), 32)]
        else:
            self.pages = member["pages"]
            self.outboard = []
            copies = [read_file(path) or b"" for path in self.places("outboard.bin")]
            for i, digest in enumerate(self.pages):
                size = max(0, min(PAGE, self.slots * 32 - i * PAGE))
                pages = [copy[i * PAGE:i * PAGE + size] for copy in copies]
                page = next((x for x in pages if blake3(x).hex() == digest), None)
                if page is None:
                    page = self.compute_page(i * PAGE // 32, (i * PAGE + size) // 32)
                right = blake3(page).hex() == digest
                self.outboard += [page[j:j + 32] if right else None for j in range(0, size, 32)]
        if len(self.outboard) != self.slots:
            raise Unreadable("the outboard has the wrong length")
        data = self.outboard[:self.data_slots]
        if None not in data and (root_of(data) if data else blake3(b"")).hex() != self.root:
            raise Unreadable("the outboard does not lead to the root")

    def compute_page(self, first, end):
        """The digests of the slots first … end - 1 from the bytes of the shards, right or not."""
        digests = []
        for shard in sorted(self.shards(), key=lambda x: x.slot):
            lo, hi = max(first, shard.slot), min(end, shard.slot + ceil(shard.length, self.leaf))
            if lo < hi:
                leaves = self.read_leaves(shard, lo - shard.slot, hi - shard.slot)
                digests += self.digests(shard, lo - shard.slot, leaves)
        return b"".join(digests)

    # ------------------------------------------------------------ rows

    def walk(self):
        """Look at all rows. Yields for each row (block, row, leaves of all shards, numbers of those rebuilt).

        A leaf is its right bytes, or None where it is lost; b"" where a segment ended before the row.
        """
        if self.g:
            yield from self.walk_groups()
            return
        step = max(1, BAND // self.leaf)
        for b in range(self.blocks):
            shards = [self.shard(b, i) for i in range(self.in_block(b) + self.m)]
            for first in range(0, self.rows(b), step):
                end = min(self.rows(b), first + step)
                band = [self.good_leaves(shard, first, end) for shard in shards]
                for r in range(first, end):
                    leaves = [x[r - first] if r - first < len(x) else b"" for x in band]
                    yield b, r, leaves, self.rebuild(b, r, shards, leaves)

    def walk_groups(self):
        """The same where there are columns: a row of a whole group at a time (section 7.4)."""
        for q in range(self.groups):
            blocks = list(range(q, self.blocks, self.groups))
            columns = [self.blocks + t for t in range(q * self.k, min((q + 1) * self.k, self.columns))]
            shards = {b: [self.shard(b, i) for i in range(self.in_block(b) + self.parity_of(b))]
                      for b in blocks + columns}
            for r in range(self.rows(q)):
                known = {}  # by path, because a segment is in a block and in a column
                for shard in {x.path: x for b in shards for x in shards[b]}.values():
                    known[shard.path] = (self.good_leaves(shard, r, r + 1) or [b""])[0]
                before = dict(known)
                gained = True
                while gained:
                    gained = False
                    for b in shards:
                        leaves = [known[x.path] for x in shards[b]]
                        if r < self.rows(b) and self.rebuild(b, r, shards[b], leaves):
                            known.update((x.path, leaf) for x, leaf in zip(shards[b], leaves))
                            gained = True
                for b in shards:
                    leaves = [known[x.path] for x in shards[b]]
                    first = 0 if b < self.blocks else self.in_block(b)
                    yield b, r, leaves, [i for i, x in enumerate(shards[b]) if i >= first
                                         and before[x.path] is None and known[x.path] is not None]

    def rebuild(self, b, r, shards, leaves):
        """Fill in the lost leaves of a row if enough are left (section 6); the numbers of those filled in."""
        k = self.in_block(b)
        lost = [i for i, x in enumerate(leaves) if x is None]
        good = tuple(i for i, x in enumerate(leaves) if x is not None)[:k]
        if not lost or len(good) < k:
            return []
        length = self.leaf_bytes(shards[0], r)  # the first segment is never shorter than another
        padded = [leaves[i].ljust(length, b"\0") for i in good]
        matrix = decoder(k, self.parity_of(b), good)
        rebuilt = []
        for i in lost:
            leaf = combine(matrix[i], padded, length)[:self.leaf_bytes(shards[i], r)]
            if self.digests(shards[i], r, [leaf])[0] == self.outboard[shards[i].slot + r]:
                leaves[i] = leaf
                rebuilt.append(i)
        return rebuilt


# ---------------------------------------------------------------- What a user asks for


def restore(folder, output):
    entry = Entry(folder)
    part = output + ".part"
    lost = []
    with open(part, "wb") as f:
        for b, r, leaves, _ in entry.walk():
            for i in range(entry.in_block(b) if b < entry.blocks else 0):
                offset = (b * entry.k + i) * entry.segment + r * entry.leaf
                if leaves[i] is None:
                    lost.append((offset, entry.leaf_bytes(entry.shard(b, i), r)))
                elif leaves[i]:
                    f.seek(offset)
                    f.write(leaves[i])
    if not lost:
        os.replace(part, output)
        return 0
    os.remove(part)
    ranges = []
    for offset, length in sorted(lost):
        if not ranges or ranges[-1]["offset"] + ranges[-1]["bytes"] < offset:
            ranges.append({"offset": offset, "bytes": 0})
        ranges[-1]["bytes"] += length
    print(json.dumps({"lost": ranges}))
    return 4


def replace_file(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as f:
        f.write(content)
    os.replace(path + ".part", path)


def write_leaf(path, offset, leaf):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)), "r+b") as f:
        f.seek(offset)
        f.write(leaf)


def cut(path, length):
    """Whether the file was too long."""
    if not os.path.isfile(path) or os.path.getsize(path) <= length:
        return False
    os.truncate(path, length)
    return True


def repair(folder):
    entry = Entry(folder)
    done = {"repaired": False, "left": False}

    def attempt(step, *arguments):
        try:
            done["repaired"] |= step(*arguments) is not False
        except OSError as e:
            print("stranger.py: %s" % e, file=sys.stderr)
            done["left"] = True

    wanted = {path: entry.manifest for path in entry.places("manifest.json")}
    if None in entry.outboard:
        done["left"] = True
    elif entry.pages:
        wanted.update((path, b"".join(entry.outboard)) for path in entry.places("outboard.bin"))
    for path, content in wanted.items():
        if read_file(path) != content:
            attempt(replace_file, path, content)
    incomplete = set()
    for b, r, leaves, rebuilt in entry.walk():
        for i in rebuilt:
            attempt(write_leaf, entry.shard(b, i).path, r * entry.leaf, leaves[i])
        incomplete.update(entry.shard(b, i).path for i, leaf in enumerate(leaves) if leaf is None)
    for shard in entry.shards():
        if shard.path not in incomplete:  # a file that is not understood keeps all it has
            attempt(cut, shard.path, shard.length)
    return 4 if done["left"] or incomplete else 1 if done["repaired"] else 0


def main(arguments):
    try:
        if len(arguments) == 3 and arguments[0] == "restore":
            return restore(arguments[1], arguments[2])
        if len(arguments) == 2 and arguments[0] == "repair":
            return repair(arguments[1])
        print("usage: stranger.py restore ENTRY_FOLDER OUTPUT | repair ENTRY_FOLDER", file=sys.stderr)
    except Unreadable as e:
        print("stranger.py: %s" % e, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A segment is a file named after its first Seq:
//
//	header   "netmon spool 1\n", 16 bytes of epoch, '\n'
//	records  uint32 length of what follows the checksum
//	         uint32 CRC-32C of that
//	         uint64 seq, uint64 run, int64 time (Unix, ns),
//	         uint8 length of the key, key, data
//
// All numbers are little-endian. A record that is torn, at the end of the last
// segment, is cut off when the spool is opened.
const (
	magic      = "netmon spool 1\n"
	epochBytes = 16
	headerSize = len(magic) + epochBytes + 1
	fixedSize  = 8 + 8 + 8 + 1 // of a record, after length and checksum
	MaxRecord  = 768 << 10     // bytes; a longer one is a torn length
	suffix     = ".segment"    // of the files
	readAhead  = 256 << 10     // bytes read at once
	nameFormat = "%016x" + suffix
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type segment struct {
	path    string
	epoch   string
	lastSeq uint64 // of its newest record; one less than its first while it is empty
	size    int64  // bytes that hold whole records, with the header
}

func createSegment(dir, epoch string, first uint64) (*segment, *os.File, error) {
	path := filepath.Join(dir, fmt.Sprintf(nameFormat, first))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if _, err := f.WriteString(magic + epoch + "\n"); err != nil {
		f.Close()
		os.Remove(path)
		return nil, nil, err
	}
	return &segment{path: path, epoch: epoch, lastSeq: first - 1, size: int64(headerSize)}, f, nil
}

// openSegment reads a file's header.
func openSegment(path string) (*segment, error) {
	first, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(path), suffix), 16, 64)
	if err != nil || first == 0 {
		return nil, errors.New("its name is not a number")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := make([]byte, headerSize)
	if _, err := io.ReadFull(f, h); err != nil || string(h[:len(magic)]) != magic || h[headerSize-1] != '\n' {
		return nil, errors.New("it does not have the header of a spool")
	}
	return &segment{path: path, epoch: string(h[len(magic) : headerSize-1]), lastSeq: first - 1, size: int64(headerSize)}, nil
}

// each calls handle with every record, within size when the size is known, and
// stops with an error at the first that is not whole.
func (g *segment) each(handle func(Record)) error {
	_, err := g.scan(g.size, handle)
	return err
}

// scan is each for a file that may be torn; size is where its whole records end.
func (g *segment) scan(limit int64, handle func(Record)) (size int64, err error) {
	f, err := os.Open(g.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(io.NewSectionReader(f, int64(headerSize), limit-int64(headerSize)), readAhead)
	size = int64(headerSize)
	for {
		rec, n, err := readRecord(r)
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
		size += int64(n)
		rec.Epoch = g.epoch
		handle(rec)
	}
}

// newest is when the segment was last written to.
func (g *segment) newest() time.Time {
	info, err := os.Stat(g.path)
	if err != nil {
		return time.Now()
	}
	return info.ModTime()
}

// position is where a reader is.
type position struct {
	seq     uint64 // of the last record that was handed out
	segment *segment
	file    *os.File
	offset  int64
}

func (p *position) close() {
	if p.file != nil {
		p.file.Close()
	}
	p.segment, p.file = nil, nil
}

// read returns the next records of g, at most n.
func (p *position) read(g *segment, n int) ([]Record, error) {
	if p.segment != g {
		p.close()
		f, err := os.Open(g.path)
		if err != nil {
			return nil, err
		}
		p.segment, p.file, p.offset = g, f, int64(headerSize)
	}
	r := bufio.NewReaderSize(io.NewSectionReader(p.file, p.offset, g.size-p.offset), readAhead)
	var out []Record
	for len(out) < n {
		rec, size, err := readRecord(r)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		p.offset += int64(size)
		if rec.Seq <= p.seq {
			continue // it was done before the restart
		}
		p.seq, rec.Epoch = rec.Seq, g.epoch
		out = append(out, rec)
	}
	return out, nil
}

// beginRecord writes a record to buf, as far as its data, which follows.
func beginRecord(buf []byte, seq, run uint64, at time.Time, key string) ([]byte, error) {
	if len(key) > 255 {
		return buf, fmt.Errorf("key of %d bytes: want at most 255", len(key))
	}
	buf = append(buf, 0, 0, 0, 0, 0, 0, 0, 0)
	buf = binary.LittleEndian.AppendUint64(buf, seq)
	buf = binary.LittleEndian.AppendUint64(buf, run)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(at.UnixNano()))
	return append(append(buf, byte(len(key))), key...), nil
}

// endRecord fills in length and checksum, now that the data is there.
func endRecord(record []byte) error {
	body := record[8:]
	if len(body) > MaxRecord {
		return fmt.Errorf("record of %d bytes: want at most %d", len(body), MaxRecord)
	}
	binary.LittleEndian.PutUint32(record, uint32(len(body)))
	binary.LittleEndian.PutUint32(record[4:], crc32.Checksum(body, castagnoli))
	return nil
}

var errTorn = errors.New("a record is incomplete")

// readRecord reads one record; n is its size in the file. io.EOF means that
// there is none; a part of one is errTorn.
func readRecord(r io.Reader) (rec Record, n int, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err == io.EOF {
		return Record{}, 0, io.EOF
	} else if err != nil {
		return Record{}, 0, torn(err)
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size < uint32(fixedSize) || size > MaxRecord {
		return Record{}, 0, errTorn
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return Record{}, 0, torn(err)
	}
	key := fixedSize + int(body[24])
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(head[4:]) || key > len(body) {
		return Record{}, 0, errTorn
	}
	return recordOf(body, string(body[fixedSize:key])), len(head) + len(body), nil
}

// recordOf reads the body of a whole record, whose key is known.
func recordOf(body []byte, key string) Record {
	return Record{
		Seq: binary.LittleEndian.Uint64(body), Run: binary.LittleEndian.Uint64(body[8:]),
		At:  time.Unix(0, int64(binary.LittleEndian.Uint64(body[16:]))),
		Key: key, Data: body[fixedSize+len(key):],
	}
}

func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

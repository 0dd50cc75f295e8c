package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"netmon/internal/tail"
	"netmon/wire"
)

// This file reads and writes an object store of NATS (its ADR-20), as its own
// library and programs do, but for two things. Each request is repeated until it
// is answered, and what is known about an object replaces the revision that was read
// and no other.

// Names of what NATS's object stores write.
const (
	configsStream = "OBJ_" + wire.ConfigsBucket
	metaPrefix    = "$O." + wire.ConfigsBucket + ".M."
	chunkPrefix   = "$O." + wire.ConfigsBucket + ".C."
	digestOf      = "SHA-256="
)

// chunk is how many bytes of an object go into one message, as NATS's own library has it.
const chunk = 128 << 10

func metaSubject(name string) string {
	return metaPrefix + base64.URLEncoding.EncodeToString([]byte(name))
}

// object is what is known about one, and where that stands.
type object struct {
	jetstream.ObjectInfo
	revision uint64                  // 0: there never was one
	kept     *jetstream.RawStreamMsg // as it was read
}

func (o object) there() bool { return o.NUID != "" && !o.Deleted }

// lookup is what is known about an object now; one that is not there, too, has the
// revision that a new one replaces.
func (s *Sets) lookup(ctx context.Context, name string) (object, error) {
	m, err := s.c.last(ctx, s.stream, metaSubject(name))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return object{}, nil
	}
	if err != nil {
		return object{}, err
	}
	o := object{revision: m.Sequence, kept: m}
	if err := json.Unmarshal(m.Data, &o.ObjectInfo); err != nil {
		return o, jetstream.ErrBadObjectMeta
	}
	o.ModTime = m.Time
	return o, nil
}

// objects lists those that are there.
func (s *Sets) objects(ctx context.Context) (list []object, err error) {
	t, err := tail.Open(ctx, s.c.js, configsStream, tail.From{Subjects: []string{metaPrefix + ">"}, Last: true})
	if err != nil {
		return nil, err
	}
	defer t.Stop()
	for more := t.Left() > 0; more; {
		m, meta, err := t.Next()
		if err != nil {
			return nil, err
		}
		more = meta.NumPending > 0
		var o object
		if json.Unmarshal(m.Data, &o.ObjectInfo) == nil && o.there() {
			o.ModTime = meta.Timestamp
			list = append(list, o)
		}
	}
	return list, nil
}

var errReplaced = errors.New("its content is not what was saved, or was replaced at this moment: read it again")

// content reads an object.
func (s *Sets) content(ctx context.Context, o object) ([]byte, error) {
	if o.Size > MaxSet {
		return nil, fmt.Errorf("it is %d bytes long: want at most %d", o.Size, MaxSet)
	}
	t, err := tail.Open(ctx, s.c.js, configsStream, tail.From{Subjects: []string{chunkPrefix + o.NUID}})
	if err != nil {
		return nil, err
	}
	defer t.Stop()
	var b bytes.Buffer
	for more := t.Left() > 0; more; {
		m, meta, err := t.Next()
		if err != nil {
			return nil, err
		}
		b.Write(m.Data)
		more = meta.NumPending > 0 && uint64(b.Len()) < o.Size // #nosec G115 -- a length
	}
	if digest(b.Bytes()) != o.Digest {
		return nil, errReplaced
	}
	return b.Bytes(), nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return digestOf + base64.URLEncoding.EncodeToString(sum[:])
}

// put writes an object in place of another one.
func (s *Sets) put(ctx context.Context, old object, about jetstream.ObjectMeta, content []byte) (object, error) {
	about.Opts = &jetstream.ObjectMetaOptions{ChunkSize: chunk}
	o := object{ObjectInfo: jetstream.ObjectInfo{ObjectMeta: about, Bucket: wire.ConfigsBucket, NUID: nuid.Next(), Size: uint64(len(content)), Digest: digest(content)}}
	for rest := content; len(rest) > 0; o.Chunks++ {
		n := min(chunk, len(rest))
		m := nats.NewMsg(chunkPrefix + o.NUID)
		m.Data, rest = rest[:n], rest[n:]
		if err := s.c.add(ctx, m); err != nil {
			return o, err
		}
	}
	err := s.write(ctx, &o, old.revision)
	if api := (*jetstream.APIError)(nil); errors.As(err, &api) { // it is not there, and its content serves nobody
		s.drop(ctx, o)
	}
	if err != nil {
		return o, err
	}
	if old.there() {
		s.drop(ctx, old)
	}
	o.ModTime = time.Now()
	return o, nil
}

// write stores what is known about an object.
func (s *Sets) write(ctx context.Context, o *object, over uint64) error {
	if err := s.sign(o, over); err != nil {
		return err
	}
	data, err := json.Marshal(o.ObjectInfo)
	if err != nil {
		return err
	}
	m := nats.NewMsg(metaSubject(o.Name))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	m.Data = data
	_, err = s.c.replace(ctx, configsStream, m, over)
	return err
}

// remove notes that an object is not there any more.
func (s *Sets) remove(ctx context.Context, o object) error {
	gone := o
	gone.Deleted, gone.Size, gone.Chunks, gone.Digest, gone.ModTime = true, 0, 0, "", time.Time{}
	gone.Metadata = map[string]string{wire.SetAuthor: s.c.author}
	if err := s.write(ctx, &gone, o.revision); err != nil {
		return err
	}
	s.drop(ctx, o)
	return nil
}

// drop removes the content of an object that is not there any more. What stays
// behind by an error takes room, and nothing else.
func (s *Sets) drop(ctx context.Context, o object) {
	_ = s.c.purge(ctx, s.stream, chunkPrefix+o.NUID)
}

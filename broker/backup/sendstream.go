package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ahead is how many pieces are sent before the first of them is acknowledged.
const ahead = 32

const (
	reachAgain  = 50 * time.Millisecond
	reachWithin = 10 * time.Second
)

// lifted is the configuration to restore a stream with, and set the stream to
// afterwards. Limits come later: messages that are older, or larger, than what
// comes now may be were stored anyway, and with them a restore would lose the
// ones and end at the others. single is for one server.
func (s Stream) lifted(single bool) (during, after map[string]any, err error) {
	read := func() (c map[string]any) {
		d := json.NewDecoder(bytes.NewReader(s.Config))
		d.UseNumber() // numbers of 64 bits
		if e := d.Decode(&c); e != nil {
			err = e
		} else if c["name"] != s.Name {
			err = fmt.Errorf("it is of the stream %v", c["name"])
		}
		if single && c != nil {
			c["num_replicas"] = 1
			delete(c, "placement")
		}
		return c
	}
	during, after = read(), read()
	if err != nil {
		return nil, nil, err
	}
	during["max_age"], during["max_bytes"], during["max_msg_size"] = 0, -1, -1
	return during, after, nil
}

// info is how a stream is.
type info struct {
	Created time.Time             `json:"created"`
	State   jetstream.StreamState `json:"state"`
	Config  struct {
		MaxAge time.Duration `json:"max_age"`
	} `json:"config"`
}

// send restores a stream, and checks that all of it is there. Its own limits hold
// afterwards: now has what those of size leave, and that of age, which a timer of the
// server sees to.
func (s Stream) send(ctx context.Context, nc *nats.Conn, dir string, o RestoreOptions) (now info, err error) {
	during, after, err := s.lifted(o.single)
	if err != nil {
		return now, err
	}
	if age, ok := o.Ages[s.Name]; ok {
		after["max_age"] = age
	}
	var to struct {
		Subject string `json:"deliver_subject"`
	}
	err = request(ctx, nc, "$JS.API.STREAM.RESTORE."+s.Name, map[string]any{"config": during, "state": s.State}, &to)
	if err != nil {
		return now, err
	}
	got, err := s.pour(ctx, nc, dir, to.Subject, o)
	if err != nil {
		return now, err
	}
	if err := s.compare(got.State); err != nil {
		return now, err
	}
	if err := request(ctx, nc, "$JS.API.STREAM.UPDATE."+s.Name, after, &now); err != nil {
		return now, fmt.Errorf("set its limits again: %w", err)
	}
	return now, nil
}

// pour sends the pieces of a snapshot to where the server takes them.
func (s Stream) pour(ctx context.Context, nc *nats.Conn, dir, subject string, o RestoreOptions) (got info, err error) {
	in, err := s.open(dir)
	if err != nil {
		return got, err
	}
	defer in.Close()
	sub, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return got, err
	}
	defer sub.Unsubscribe()
	tell := newReporter(s.Name, o.Progress)
	sum := sha256.New()
	buf := make([]byte, piece)
	acknowledged := func() error {
		m, err := next(ctx, sub)
		if err == nil && len(m.Data) > 0 {
			if err = decode(m.Data, &got); err == nil {
				err = errors.New("the broker took it as complete too early")
			}
		}
		return err
	}
	waiting, reached := 0, false
	for {
		n, err := io.ReadFull(in, buf)
		if n == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return got, err
		}
		sum.Write(buf[:n])
		if o.single {
			if err := pace(ctx); err != nil {
				return got, err
			}
		}
		if !reached {
			if err := reach(ctx, nc, subject, sub.Subject, buf[:n], acknowledged); err != nil {
				return got, err
			}
			reached = true
			tell.Write(buf[:n])
			continue
		}
		if err := nc.PublishRequest(subject, sub.Subject, buf[:n]); err != nil {
			return got, err
		}
		for waiting++; waiting >= ahead; waiting-- {
			if err := acknowledged(); err != nil {
				return got, err
			}
		}
		tell.Write(buf[:n])
	}
	for ; waiting > 0; waiting-- {
		if err := acknowledged(); err != nil {
			return got, err
		}
	}
	if err := s.check(dir, hex.EncodeToString(sum.Sum(nil))); err != nil {
		return got, err // it changed since it was verified; the server hears no end, and gives up
	}
	if err := nc.PublishRequest(subject, sub.Subject, nil); err != nil {
		return got, err
	}
	m, err := next(ctx, sub)
	if err == nil {
		err = decode(m.Data, &got)
	}
	if err == nil {
		tell.done(got.State.Msgs)
	}
	return got, err
}

// reach sends the first piece until a server takes it. In a cluster the one that
// restores may be another than the one this client is connected to, which hears of its
// subscription a moment later: nobody got the piece that it said nobody listens to.
func reach(ctx context.Context, nc *nats.Conn, subject, reply string, piece []byte, acknowledged func() error) error {
	for late := time.After(reachWithin); ; {
		if err := nc.PublishRequest(subject, reply, piece); err != nil {
			return err
		}
		err := acknowledged()
		if !errors.Is(err, nats.ErrNoResponders) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return err
		case <-time.After(reachAgain):
		}
	}
}

// compare says what is not as it was.
func (s Stream) compare(now jetstream.StreamState) error {
	if !s.Counted { // of an older server, which may have copied some messages more
		if now.Msgs < s.Messages {
			return fmt.Errorf("%d messages were restored, and there were %d", now.Msgs, s.Messages)
		}
		return nil
	}
	switch {
	case now.Msgs != s.Messages:
		return fmt.Errorf("%d messages were restored, and %d were copied", now.Msgs, s.Messages)
	case now.LastSeq != s.LastSeq:
		return fmt.Errorf("the last number is %d, and was %d before", now.LastSeq, s.LastSeq)
	case s.Messages > 0 && now.FirstSeq != s.First:
		return fmt.Errorf("the first number is %d, and was %d before", now.FirstSeq, s.First)
	case s.Messages > 0 && !now.FirstTime.Equal(s.From):
		return fmt.Errorf("the first message is of %v, and was of %v before", now.FirstTime, s.From.Format(time.RFC3339Nano))
	}
	return nil
}

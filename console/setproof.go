package console

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// The stream under the saved configurations, by NATS's own naming (its ADR-20).
const configsStream = "OBJ_" + wire.ConfigsBucket

func metaSubject(name string) string {
	return "$O." + wire.ConfigsBucket + ".M." + base64.URLEncoding.EncodeToString([]byte(name))
}

// sign adds to what is said about a configuration that is to be saved who says
// so, where the mesh knows who is who.
func (s *Sets) sign(ctx context.Context, name string, content []byte, about map[string]string) error {
	if s.c.signer == nil {
		return nil
	}
	sum := sha256.Sum256(content)
	digest := "SHA-256=" + base64.URLEncoding.EncodeToString(sum[:])
	return s.prove(ctx, name, false, digest, about)
}

// prove signs for the revision that is there now: what somebody else saves
// meanwhile is not overwritten.
func (s *Sets) prove(ctx context.Context, name string, deleted bool, digest string, about map[string]string) error {
	stream, err := s.c.js.Stream(ctx, configsStream)
	if err != nil {
		return err
	}
	p := wire.Proof{Store: wire.StoreID(stream.CachedInfo().Created)}
	subject := metaSubject(name)
	now, err := stream.GetLastMsgForSubject(ctx, subject)
	if err == nil {
		p.Revision = now.Sequence
	} else if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return err
	}
	about[wire.SetProof], err = s.c.signer.Sign(subject, wire.SetOperation(deleted), []byte(digest), p)
	return err
}

// remove deletes a configuration. NATS's own Delete cannot say who does it.
func (s *Sets) remove(ctx context.Context, name string) error {
	if s.c.signer == nil {
		return s.os.Delete(ctx, name)
	}
	info, err := s.os.GetInfo(ctx, name)
	if err != nil {
		return err
	}
	info.Deleted, info.Size, info.Chunks, info.Digest, info.ModTime = true, 0, 0, "", time.Time{}
	info.Metadata = map[string]string{wire.SetAuthor: s.c.author}
	if err := s.prove(ctx, name, true, "", info.Metadata); err != nil {
		return err
	}
	m := nats.NewMsg(metaSubject(name))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	if m.Data, err = json.Marshal(info); err != nil {
		return err
	}
	if _, err := s.c.js.PublishMsg(ctx, m); err != nil {
		return err
	}
	stream, err := s.c.js.Stream(ctx, configsStream)
	if err != nil {
		return err
	}
	return stream.Purge(ctx, jetstream.WithPurgeSubject("$O."+wire.ConfigsBucket+".C."+info.NUID))
}

// check says whether the mesh let a configuration be saved, as we know it by the
// authority that we pinned: it is about to say what agents measure.
func (s *Sets) check(ctx context.Context, name string, info *jetstream.ObjectInfo) error {
	if s.c.operators == nil {
		return nil
	}
	stream, err := s.c.js.Stream(ctx, configsStream)
	if err != nil {
		return err
	}
	subject := metaSubject(name)
	m, err := stream.GetLastMsgForSubject(ctx, subject)
	if err != nil {
		return err
	}
	if err := s.c.operators.Accepted(m.Header.Get(wire.AcceptedHeader), subject, "", "", m.Data); err != nil {
		return err
	}
	var kept jetstream.ObjectInfo
	if err := json.Unmarshal(m.Data, &kept); err != nil {
		return err
	}
	if kept.Digest != info.Digest || kept.NUID != info.NUID {
		return fmt.Errorf("it was saved anew at this moment")
	}
	return nil
}

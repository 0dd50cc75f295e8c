package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// namesMost is how many identities of a kind an answer about the authority names.
const namesMost = 500

// State is the authority, and how far a change of it is.
func (a *Authority) State() wire.AuthorityState {
	_, members := a.registry.members()
	lines := a.registry.lines()
	certs := a.certs()
	r := a.rotation
	r.mu.Lock()
	defer r.mu.Unlock()
	s := wire.AuthorityState{Pin: a.Pin(), Made: certs.ca.Leaf.NotBefore.Add(backdated).UTC(), State: wire.AuthoritySteady, Before: fingerprintOf(r.f.Before)}
	names := map[string]bool{}
	for _, m := range members {
		if m.Name != LocalAdmin { // its folder is written by this process
			names[m.Name] = true
		}
	}
	s.All = len(names)
	missing := r.f.missing(members)
	switch r.f.Stage {
	case stageNone:
		s.Have = s.All
		return s
	case stageAnnounced, stageSwitching:
		s.State, s.Next, s.Lines = wire.AuthorityAnnounced, r.f.Pin, lines
	case stageSwitched:
		if len(missing) > 0 || !r.f.Accepted {
			s.State = wire.AuthoritySwitched
		}
	}
	s.Began, s.By, s.Without = r.f.Began, r.f.By, r.f.Without
	s.Without = slices.DeleteFunc(slices.Clone(s.Without), func(name string) bool { return !names[name] || r.f.Over[name] })
	s.Have = s.All - len(missing) - len(s.Without)
	s.Missing, s.Without = missing[:min(len(missing), namesMost)], s.Without[:min(len(s.Without), namesMost)]
	return s
}

// authority answers an admin about a change of the authority.
func (s *service) authority(m *nats.Msg, by string, q wire.AccessCommand) {
	e := wire.Audit{Where: whereAccess, By: by, Did: string(q.Op), Detail: strings.Join(q.Without, " ")}
	var err error
	switch q.Op {
	case wire.AccessAuthorityRotate:
		if s.Switch == nil {
			err = errNotEmbedded
			break
		}
		if err = s.a.Announce(by, q.Without, q.Missing); err == nil {
			e.What = []string{s.a.State().Next}
		}
	case wire.AccessAuthorityAbort:
		if next := s.a.State().Next; next != "" {
			e.What = []string{next}
		}
		err = s.a.Abort()
	}
	state := s.a.State()
	if s.Switch == nil && q.Op == wire.AccessAuthority {
		state.Problem = errNotEmbedded.Error()
	}
	if failed := s.switching.Load(); failed != nil && state.Problem == "" {
		state.Problem = *failed
	}
	s.answer(m, wire.AccessReply{Authority: &state}, err)
	if q.Op != wire.AccessAuthority {
		s.a.log.Info("the authority of the mesh", "did", q.Op, "by", by, "next", state.Next, "error", err)
		s.note(e, err)
	}
	s.wakeAuthority()
}

var errNotEmbedded = errors.New("the servers of this mesh are not this process's own: a nats-server reads its operator and its accounts at its start only, " +
	"and its streams belong to an account whose key changes: keys of such a mesh cannot be changed while it runs: make a new store, export it, and have all join again (docs/security.md)")

// takeover answers an identity which authority takes over. Anybody may know it: a
// credential is worth nothing without its key.
func (s *service) takeover(m *nats.Msg, name string, q wire.Join) {
	who, in := s.a.registry.member(q.Key)
	if !in || who.Name != name {
		s.answer(m, wire.AccessReply{}, errors.New("key: no identity of this name has it"))
		return
	}
	id, _ := s.a.registry.get(name)
	list, _, _ := s.a.Trust()
	out := wire.NextAuthority{List: list}
	r := s.a.rotation
	r.mu.Lock()
	next := r.next
	r.mu.Unlock()
	var err error
	if next != nil {
		out.Authority = string(next.certs.authority)
		out.Credential, err = next.credential(wire.Identity{Name: id.Name, Role: id.Role, Labels: id.Labels}, q.Key)
	} else {
		r.came(name)
	}
	s.answer(m, wire.AccessReply{Takeover: &out}, err)
}

// keptBy notes who acknowledged the next authority by a signature.
func (s *service) keptBy(m *nats.Msg, who wire.Member, q wire.Join) {
	err := s.a.rotation.kept(who, q.Kept)
	s.answer(m, wire.AccessReply{}, err)
	if err == nil {
		s.wakeAuthority()
	}
}

// wakeAuthority has watchAuthority look now whether anybody is still waited for.
func (s *service) wakeAuthority() {
	select {
	case s.taken <- struct{}{}:
	default:
	}
}

// authorityEvery is how often it is checked whether anybody is still waited for:
// somebody may have been shut out meanwhile.
const authorityEvery = 2 * time.Second

// watchAuthority has the next authority take over once nobody is waited for, until
// ctx ends. What fails is tried again.
func (s *service) watchAuthority(ctx context.Context) {
	if s.Switch == nil {
		return
	}
	tick := time.NewTicker(authorityEvery)
	defer tick.Stop()
	for {
		err := s.advance(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			s.switching.Store(nil)
		} else if text := err.Error(); s.switching.Swap(&text) == nil {
			s.a.log.Error("the change of the authority is stuck; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.taken:
		case <-tick.C:
		}
	}
}

// advance does what is to be done next.
func (s *service) advance(ctx context.Context) error {
	if s.a.Ready() {
		before := s.a.Pin()
		s.nc.FlushTimeout(2 * time.Second) // answers are through
		if err := s.a.Switch(); err != nil {
			return err
		}
		if now := s.a.Pin(); now != before {
			s.a.log.Warn("another authority is in force: the previous one no longer counts", "authority", now, "before", before)
		}
	}
	if s.a.behind.Load() {
		if err := s.Switch(ctx); err != nil {
			return err
		}
		s.a.behind.Store(false)
		state := s.a.State()
		s.note(wire.Audit{Where: whereAccess, By: state.By, Did: "authority-switch", What: []string{state.Pin}, Detail: "before: " + state.Before}, nil)
	}
	if err := s.a.rotation.catchUp(); err != nil || s.a.rotation.before() == "" {
		return err
	}
	adopt, cancel := context.WithTimeout(ctx, adoptWithin)
	defer cancel()
	if err := s.a.Adopt(adopt, s.js); err != nil {
		return fmt.Errorf("accept again what is saved: %w", err)
	}
	return nil
}

// adoptWithin bounds one try to accept what is saved again.
const adoptWithin = time.Minute

// aboutAuthority answers what is asked of the authority on access.rotate; done is
// false where it was about something else.
func (s *service) aboutAuthority(m *nats.Msg) (done bool) {
	var q wire.Join
	if json.Unmarshal(m.Data, &q) != nil || !q.Ask && q.Kept == "" {
		return false
	}
	name := strings.TrimPrefix(m.Subject, "access.rotate.")
	if q.Ask {
		s.takeover(m, name, q)
		return true
	}
	who, err := s.owner(m, m.Subject, wire.Roles...)
	defer s.confirm(who)()
	switch {
	case err != nil:
	case name != who.Name:
		err = errNotYours
	case q.Key != who.Key:
		err = errors.New("kept: it is signed by another key than the one that it is about: ask again")
	}
	if err != nil {
		s.answer(m, wire.AccessReply{}, err)
		return true
	}
	s.keptBy(m, who, q)
	return true
}

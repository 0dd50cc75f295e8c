package access

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/internal/atomicfile"
	"netmon/wire"
)

const trustName = "trust.json"

// trust signs the list of those whose commands count. It is on disk before it
// is given out, so that no number means two lists.
type trust struct {
	path string
	now  func() time.Time

	mu             sync.Mutex // guards what follows
	operator       nkeys.KeyPair
	cert           string    // of the operator, as wire.SignedTrust has it
	next           string    // fingerprint of the authority that takes over, "" for none
	rekeyed        bool      // the last list was signed by another operator
	raised         time.Time // when behind made a list last
	registryNumber uint64    // number of the registry that the list was made from
	list           wire.Trust
	signed         wire.SignedTrust
	changed        chan struct{} // closed when there is another list
}

// trustFile is how the last list is kept.
type trustFile struct {
	Registry uint64           `json:"book"` // number of the registry of identities
	List     wire.SignedTrust `json:"list"`
}

func openTrust(dir string, operator nkeys.KeyPair, cert string) (*trust, error) {
	t := &trust{path: filepath.Join(dir, trustName), operator: operator, cert: cert, now: time.Now, changed: make(chan struct{})}
	data, err := os.ReadFile(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	var f trustFile
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err == nil {
		err = json.Unmarshal([]byte(f.List.Trust), &t.list)
	}
	if err != nil {
		return nil, fmt.Errorf("list of those whose commands count: %s: %w: restore it from a backup of the folder", t.path, err)
	}
	t.registryNumber, t.signed = f.Registry, f.List
	return t, nil
}

// update makes a new list where the members are others than those of the last
// one. registry is the number of the registry that they were read from. Where not all
// have room, it holds the first ones, and left says how many it does not: whoever
// was shut out must be off the list, whatever else is.
func (t *trust) update(number uint64, members []wire.Member) (left int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	listed, err := t.fitting(members)
	if err != nil {
		return 0, err
	}
	left = len(members) - len(listed)
	switch {
	case t.list.Number == 0 || t.rekeyed || t.list.Next != t.next || !slices.Equal(t.list.Members, listed):
		// Not only one higher, but as high as the time in ms: a folder that was
		// restored from a backup must not give out a number that agents have seen.
		return left, t.give(number, wire.Trust{Number: max(t.list.Number+1, uint64(max(0, t.now().UnixMilli()))), Members: listed, Next: t.next})
	case number != t.registryNumber:
		if err := t.write(number, t.signed); err != nil {
			return left, err
		}
		t.registryNumber = number
	}
	return left, nil
}

const (
	// raiseMost is how far ahead of the time an agent's word brings the number of a
	// list: an honest agent has none that is higher.
	raiseMost = 10 * 365 * 24 * time.Hour
	// raiseEvery keeps one that says always more from having a list made each time.
	raiseEvery = time.Minute
)

// behind makes a list above a number that an agent has, which was given out
// before trust.json was lost, or by a clock that was ahead. since is a time that
// has been: the clock may be behind.
func (t *trust) behind(has uint64, since time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if has <= t.list.Number || t.list.Number == 0 {
		return nil
	}
	now := t.now()
	if now.Before(since) {
		now = since
	}
	if most := now.Add(raiseMost).UnixMilli(); has > uint64(max(0, most)) {
		return fmt.Errorf("no list had that number, a time in ms: want at most %d", most)
	}
	if !t.raised.IsZero() && time.Since(t.raised) < raiseEvery {
		return fmt.Errorf("the last list above an agent's was made less than %v ago", raiseEvery)
	}
	t.raised = time.Now()
	return t.give(t.registryNumber, wire.Trust{Number: has + 1, Members: t.list.Members, Next: t.list.Next})
}

// give signs a list, writes it down and gives it out; mu is held.
func (t *trust) give(number uint64, next wire.Trust) error {
	signed, err := t.sign(next)
	if err != nil {
		return err
	}
	if err := t.write(number, signed); err != nil {
		return err
	}
	close(t.changed)
	t.changed = make(chan struct{})
	t.registryNumber, t.list, t.signed, t.rekeyed = number, next, signed, false
	return nil
}

// announce has the next list name an authority that takes over; "" is none.
func (t *trust) announce(pin string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = pin
}

// rekey has the next list signed by another operator.
func (t *trust) rekey(operator nkeys.KeyPair, cert string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.operator, t.cert, t.next, t.rekeyed = operator, cert, "", true
}

func (t *trust) write(number uint64, signed wire.SignedTrust) error {
	data, err := json.MarshalIndent(trustFile{number, signed}, "", "  ")
	if err == nil {
		err = atomicfile.Write(t.path, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the list of those whose commands count: %w", err)
	}
	return nil
}

// fitting are the first of members that have room in a command, by their keys.
func (t *trust) fitting(members []wire.Member) (list []wire.Member, err error) {
	n := len(members)
	for ; n > 0; n -= 1 + n/50 {
		list = slices.SortedFunc(slices.Values(members[:n]), func(a, b wire.Member) int { return strings.Compare(a.Key, b.Key) })
		if slices.Equal(list, t.list.Members) {
			return list, nil
		}
		data, err := json.Marshal(wire.Trust{Number: 1 << 62, Members: list})
		if err == nil { // the text is a string in the command, with the signature beside it
			data, err = json.Marshal(string(data))
		}
		if err != nil || len(data)+len(t.cert)+1024 <= mostTrust {
			return list, err
		}
	}
	return list, nil
}

func (t *trust) sign(list wire.Trust) (wire.SignedTrust, error) {
	data, err := json.Marshal(list)
	if err != nil {
		return wire.SignedTrust{}, err
	}
	s := wire.SignedTrust{Operator: t.cert, Trust: string(data)}
	text, err := s.Text()
	if err == nil {
		s.Signature, err = signText(t.operator, text)
	}
	if err != nil {
		return s, err
	}
	command, err := json.Marshal(wire.Command{Op: wire.OpTrust, Trust: &s})
	if err == nil && len(command) > mostTrust {
		err = fmt.Errorf("the list of those whose commands count is %d bytes long: want at most %d: revoke operators and admins that are not needed", len(command), mostTrust)
	}
	return s, err
}

// mostTrust bounds the command that brings the list to agents: headers come on top.
const mostTrust = wire.MaxMessage - 4096

func signText(key nkeys.KeyPair, text []byte) (string, error) {
	sum, err := key.Sign(text)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// Trust is the newest list, its number, and what is closed when there is another one.
func (a *Authority) Trust() (list wire.SignedTrust, number uint64, changed <-chan struct{}) {
	a.trust.mu.Lock()
	defer a.trust.mu.Unlock()
	return a.trust.signed, a.trust.list.Number, a.trust.changed
}

// Behind says that an agent has a list with a higher number than there is, which
// it would prefer to all that follow: there is one above it then. The error says
// why that was not done.
func (a *Authority) Behind(has uint64) error { return a.trust.behind(has, a.certs().ca.Leaf.NotBefore) }

// checkRegistry notices a registry that is older than the list that was made from it:
// those who were shut out since would come in again.
func (a *Authority) checkRegistry() error {
	was, is := a.trust.registryNumber, a.registry.number()
	if is >= was {
		return nil
	}
	return fmt.Errorf("%s is older than %s (number %d, after number %d): whoever was shut out since would be let in again: restore the newer file; "+
		"to use the older one anyway, remove %s and check netmon access ls", a.registry.path, a.trust.path, is, was, a.trust.path)
}

// relist brings the list up to date with the registry.
func (a *Authority) relist() error {
	number, all := a.registry.members()
	all = append(all, a.registry.sessions()...) // last, where not all have room
	members := slices.DeleteFunc(all, func(m wire.Member) bool { return !commands(m.Role) })
	left, err := a.trust.update(number, append([]wire.Member{a.controller}, members...))
	if left > 0 {
		a.log.Error("the list of those whose commands count has no room for all: revoke operators and admins that are not needed", "left_out", left)
	}
	return err
}

// accept is the authority's word on what somebody saves, as a header. proof is
// that of who saves it, "" for what was there before anybody had to sign.
func (a *Authority) accept(who wire.Member, subject, operation, proof string, data []byte) (string, error) {
	return a.acceptAs(wire.Accepted{By: who.Name, Role: who.Role}, subject, operation, proof, data)
}

func (a *Authority) acceptAs(acc wire.Accepted, subject, operation, proof string, data []byte) (string, error) {
	acc, err := a.signs.Load().accept(acc, subject, operation, proof, data)
	if err != nil {
		return "", err
	}
	out, err := json.Marshal(acc)
	return string(out), err
}

// Signer signs as the controller: its commands are those of the mesh itself.
func (a *Authority) Signer() *identity.Signer { return identity.SignBy(a.controllerKey) }

// CheckSaved says whether what is saved was let in by this authority, and its
// author's signature is good. Whether that author may still come in does not count.
func (a *Authority) CheckSaved(subject, operation, accepted, proof string, data []byte) error {
	return a.operators.Load().CheckSaved(subject, operation, accepted, proof, data)
}

// members are all identities that are in, with each key that lets them in: first
// the admins, then all others by name, and last the keys that are to follow. Their
// sessions are not among them: see sessions.
func (b *registry) members() (number uint64, list []wire.Member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var next []wire.Member
	for _, e := range b.entries {
		if !e.Revoked.IsZero() {
			continue
		}
		if e.Key != "" {
			list = append(list, wire.Member{Key: e.Key, Name: e.Name, Role: e.Role})
		}
		if e.Next != "" {
			next = append(next, wire.Member{Key: e.Next, Name: e.Name, Role: e.Role})
		}
	}
	for _, l := range [][]wire.Member{list, next} {
		slices.SortFunc(l, func(a, b wire.Member) int {
			if (a.Role == wire.RoleAdmin) != (b.Role == wire.RoleAdmin) {
				if a.Role == wire.RoleAdmin {
					return -1
				}
				return 1
			}
			return strings.Compare(a.Name, b.Name)
		})
	}
	return b.count, append(list, next...)
}

// member is whose own key it is, among those that are in: see also signer.
func (b *registry) member(key string) (wire.Member, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[b.byKey[key]]
	if e == nil || key == "" || !e.Revoked.IsZero() || e.Key != key && e.Next != key {
		return wire.Member{}, false
	}
	return wire.Member{Key: key, Name: e.Name, Role: e.Role}, true
}

func (b *registry) number() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

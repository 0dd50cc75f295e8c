package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"netmon/internal/atomicfile"
	"netmon/wire"
)

// Names in the folder of an authority: what is known about a change of its keys, and
// where the keys that take over wait.
const (
	rotationName = "rotation.json"
	nextFolder   = "next"
)

// Stages of a change. Each is on disk before anything follows from it, and what
// follows may be done again.
const (
	stageNone      = ""
	stageAnnounced = "announced" // the next keys are made, and the list names them
	stageSwitching = "switching" // they are on their way into the place of those before
	stageSwitched  = "switched"  // they are in force
)

// rotation is a change of the authority's keys, or the last one.
type rotation struct {
	dir  string
	mu   sync.Mutex // guards what follows, and the file
	f    rotationFile
	next *signing // announced: the keys that take over
	late bool     // f says who has it, or came, and its file does not yet
}

// rotationFile is how it is kept.
type rotationFile struct {
	Stage    string            `json:"stage"`
	Began    time.Time         `json:"began"`
	By       string            `json:"by,omitempty"`       // who began it
	Pin      string            `json:"pin,omitempty"`      // fingerprint of the next authority
	Without  []string          `json:"without,omitempty"`  // identities that it does not wait for
	Have     map[string]string `json:"have,omitempty"`     // announced: keys that acknowledged the next authority, by name
	Over     map[string]bool   `json:"over,omitempty"`     // switched: names that came over
	Before   string            `json:"before,omitempty"`   // from switching on: the authority before, PEM
	Account  string            `json:"account,omitempty"`  // from switching on: the account that kept its streams
	Accepted bool              `json:"accepted,omitempty"` // what the previous one had accepted was accepted again
}

// openRotation reads where a change is, and ends a switch that was cut short: the
// keys that it moves are read afterwards.
func openRotation(dir string) (*rotation, error) {
	r := &rotation{dir: dir}
	data, err := os.ReadFile(filepath.Join(dir, rotationName))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r.f)
	}
	if err == nil && r.f.Stage == stageAnnounced {
		r.next, err = openSigning(filepath.Join(dir, nextFolder), nil, time.Now())
		if err == nil && r.next.pin() != r.f.Pin { // some of it was lost: nobody has what was made in its place
			f := r.f
			f.Pin, f.Have = r.next.pin(), nil
			err = r.write(f)
		}
	}
	if err == nil && r.f.Stage == stageSwitching {
		err = moveNext(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("change of the authority: %s: %w", filepath.Join(dir, rotationName), err)
	}
	return r, nil
}

// write keeps what f says, and has it hold once it is on disk; mu is held.
func (r *rotation) write(f rotationFile) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err == nil {
		err = atomicfile.Write(filepath.Join(r.dir, rotationName), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the change of the authority: %w", err)
	}
	r.f, r.late = f, false
	return nil
}

// moveNext puts the next keys in the place of those before. Cut short, it continues
// where it was.
func moveNext(dir string) error {
	from := filepath.Join(dir, nextFolder)
	for _, name := range []string{keysName, caKeyName, caName, serverKeyName, serverName} {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := atomicfile.SyncFolder(dir); err != nil {
		return err
	}
	return os.RemoveAll(from)
}

// changes makes a change of who is in, or by which key, that no switch may come
// between: a credential that is given meanwhile would be of the authority before.
func (r *rotation) changes(do func(announced bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do(r.next != nil)
}

// pin is the fingerprint of the authority that takes over; "" for none.
func (r *rotation) pin() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pinLocked()
}

func (r *rotation) pinLocked() string {
	if r.next == nil {
		return ""
	}
	return r.next.pin()
}

func (r *rotation) stage() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.f.Stage
}

// before is the authority before, PEM, whose word on what is saved still counts;
// "" where it does not.
func (r *rotation) before() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f.Stage != stageSwitching && r.f.Stage != stageSwitched || r.f.Accepted {
		return ""
	}
	return r.f.Before
}

// accepted notes that what the previous authority had accepted was accepted again:
// its word no longer counts.
func (r *rotation) accepted() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.f
	f.Accepted = true
	return r.write(f)
}

// missing are those of all that are waited for, each once: before the switch who
// did not acknowledge the next authority, afterwards who did not come over.
func (f rotationFile) missing(all []wire.Member) (list []wire.Missing) {
	have := map[string]bool{LocalAdmin: true}
	for _, name := range f.Without {
		have[name] = true
	}
	for _, m := range all { // with two keys, of which one follows the other, either will do
		have[m.Name] = have[m.Name] || f.Stage == stageSwitched && f.Over[m.Name] || f.Stage != stageSwitched && f.Have[m.Name] == m.Key
	}
	for _, m := range all {
		if !have[m.Name] {
			have[m.Name] = true
			list = append(list, wire.Missing{Name: m.Name, Role: m.Role})
		}
	}
	return list
}

// kept notes that a key acknowledged the authority that takes over.
func (r *rotation) kept(who wire.Member, pin string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case pin == "" || r.pinLocked() != pin:
		return errors.New("kept: it is not the authority that takes over: ask again")
	case r.f.Have[who.Name] == who.Key:
		return nil
	}
	if r.f.Have == nil {
		r.f.Have = map[string]string{}
	}
	r.f.Have[who.Name], r.late = who.Key, true
	r.f.Without = slices.DeleteFunc(r.f.Without, func(name string) bool { return name == who.Name })
	return nil
}

// came notes that somebody came over to the authority in force.
func (r *rotation) came(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f.Stage != stageSwitched || r.f.Over[name] {
		return
	}
	if r.f.Over == nil {
		r.f.Over = map[string]bool{}
	}
	r.f.Over[name], r.late = true, true
}

// catchUp writes who has it, and who came, since the last time: many do so at
// once. What is lost by a crash they say again when they connect.
func (r *rotation) catchUp() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.late {
		return nil
	}
	return r.write(r.f)
}

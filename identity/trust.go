package identity

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/internal/atomicfile"
	"netmon/wire"
)

// OperatorURI is the one name in the certificate of a mesh's operator, by which
// no other certificate of the authority can be taken for it.
const OperatorURI = "netmon:operator"

const trustName = "trust.json"

// Trust is whom a receiver obeys: the newest list that the operator of the mesh
// signed, whom the authority that was pinned at joining certified.
type Trust struct {
	dir  string // of the identity, which says whom it trusts
	file string // where the list is kept, so that an older one never counts again

	mu      sync.Mutex // guards what follows, and the file
	own     string     // authority that counts, PEM, as its file said last
	over    *next      // the one that takes over, likewise
	text    string     // of the newest list
	number  uint64
	next    string                 // fingerprint of the authority that takes over, as the newest list names it
	members map[string]wire.Member // by key
	kept    uint64                 // number of the list in the file; 0 where there is none
	problem error                  // why the newest list is not in the file
}

// OpenTrust reads the list in the folder of an identity. One that has none yet
// obeys nobody until it is given one. A list that cannot be read is set aside,
// which Problem reports until there is another one.
func OpenTrust(dir string) (*Trust, error) {
	t := &Trust{dir: dir, file: filepath.Join(dir, trustName)}
	if err := t.pins(); err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	data, err := os.ReadFile(t.file)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	var list wire.SignedTrust
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	var l wire.Trust
	var by signedBy
	if err == nil {
		l, by, err = t.verify(list)
	}
	if err != nil {
		aside := t.file + ".bad-" + time.Now().UTC().Format("20060102-150405.000")
		t.problem = fmt.Errorf("the list of those whose commands count is damaged, and was moved to %s: nobody is obeyed until the broker sends another one, and it is no longer known which lists are older: %w", aside, err)
		if err := os.Rename(t.file, aside); err != nil {
			t.problem = errors.Join(t.problem, err)
		}
		return t, nil
	}
	t.set(list, l)
	if err := by.adopt(dir, l); err != nil { // which was cut short: the list comes again
		t.problem = fmt.Errorf("%w: %w", ErrNotKept, err)
		return t, nil
	}
	_ = t.pins() // of files that were just written
	t.kept = t.number
	return t, nil
}

// Number is that of the list that counts; 0 where there is none yet.
func (t *Trust) Number() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.number
}

// Kept is the number of the list that would count after a restart. While it is
// behind Number, the newest list is to be given to Take again.
func (t *Trust) Kept() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept
}

// Problem is why the newest list would not count after a restart, or why there
// is none; nil where all is well.
func (t *Trust) Problem() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.problem
}

// Authority is the fingerprint of the authority whose lists count.
func (t *Trust) Authority() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Fingerprint([]byte(t.own))
}

// Next is the fingerprint of the authority that takes over, as the list names it;
// "" where none does.
func (t *Trust) Next() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}

// Member is whose key it is. A key that is not on the list is nobody's.
func (t *Trust) Member(key string) (wire.Member, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, ok := t.members[key]
	return m, ok
}

// ErrNotKept says that a list counts now, and would not after a restart.
var ErrNotKept = errors.New("the list counts now, but could not be written: a restart would lose it")

// Take has a newer list count, and keeps it. An older one is an error, and so is
// another one of the same number. A list that cannot be written counts, since a
// full disk must not keep anybody in who was shut out; the error is ErrNotKept
// then, each time until it is written.
//
// A list by the authority that takes over says that it did: the previous one
// no longer counts then. One that no longer names it says that it was given up.
func (t *Trust) Take(list wire.SignedTrust) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, by, err := t.verify(list)
	if err != nil {
		return err
	}
	switch {
	case l.Number < t.number:
		return fmt.Errorf("it is list %d, and list %d came before: an older one never counts again", l.Number, t.number)
	case l.Number == t.number && list.Trust != t.text:
		return fmt.Errorf("it is another list %d than the one that counts", l.Number)
	}
	t.set(list, l)
	if t.kept == t.number {
		return nil
	}
	data, err := json.Marshal(list)
	if err == nil {
		err = atomicfile.Write(t.file, data)
	}
	if err == nil {
		err = by.adopt(t.dir, l)
	}
	if err != nil {
		t.problem = fmt.Errorf("%w: %w", ErrNotKept, err)
		return t.problem
	}
	_ = t.pins() // of a file that was just written
	t.kept, t.problem = t.number, nil
	return nil
}

// set has a list count that was verified. Who calls it holds the lock.
func (t *Trust) set(list wire.SignedTrust, l wire.Trust) {
	t.text, t.number, t.next, t.members = list.Trust, l.Number, l.Next, make(map[string]wire.Member, len(l.Members))
	for _, m := range l.Members {
		t.members[m.Key] = m
	}
}

// verify reads a list, if it is by the operator of this mesh.
func (t *Trust) verify(list wire.SignedTrust) (l wire.Trust, by signedBy, err error) {
	_ = t.pins() // where they cannot be read, earlier ones count: nobody stays in who was shut out
	by.next = t.over
	l, by.over, err = checkList(t.own, t.over, list)
	return l, by, err
}

// pins reads who is believed.
func (t *Trust) pins() error {
	own, n, err := pinned(t.dir)
	if err == nil {
		t.own, t.over = own, n
	}
	return err
}

// signedBy is whom a folder believed when it verified a list.
type signedBy struct {
	next *next // that takes over; nil for none
	over bool  // the list is by that one
}

// adopt brings the authorities of a folder to what a list says that is on disk.
func (by signedBy) adopt(dir string, l wire.Trust) error {
	switch {
	case by.over:
		return by.next.takeOver(dir)
	case by.next != nil && l.Next != by.next.pin() && l.Number > by.next.Number:
		return dropNext(dir)
	}
	return nil
}

// checkList reads a list, if it is by an operator of one of two authorities; over
// says that it is by the one that takes over, n, which is nil for none.
func checkList(own string, n *next, list wire.SignedTrust) (l wire.Trust, over bool, err error) {
	text, err := list.Text()
	if err != nil {
		return l, false, err
	}
	if err = CheckOperator(own, list.Operator, text, list.Signature); err != nil && n != nil {
		over = CheckOperator(n.Authority, list.Operator, text, list.Signature) == nil
	}
	if err != nil && !over {
		return l, false, err
	}
	if err := json.Unmarshal([]byte(list.Trust), &l); err != nil {
		return l, over, fmt.Errorf("the list cannot be read: %w", err)
	}
	if l.Number == 0 {
		return l, over, errors.New("the list has no number")
	}
	return l, over, nil
}

// CheckOperator says whether the operator that an authority certified signed a text.
func CheckOperator(authority, operator string, text []byte, signature string) error {
	return NewOperators(authority).Check(operator, text, signature)
}

// operatorOf is the key of the operator that an authority certified. The dates of
// the certificate do not count: a clock that is wrong locks nobody out.
func operatorOf(authority, certificate string) (string, error) {
	der, err := base64.StdEncoding.DecodeString(certificate)
	if err != nil {
		return "", fmt.Errorf("the operator's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "", fmt.Errorf("the operator's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if block, _ := pem.Decode([]byte(authority)); block == nil || !roots.AppendCertsFromPEM([]byte(authority)) {
		return "", errors.New("the authority that was pinned cannot be read: want PEM")
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: cert.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return "", errors.New("its operator belongs to another authority than the one trusted here: of another mesh, or from before a change of the authority")
	}
	raw, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok || len(cert.URIs) != 1 || cert.URIs[0].String() != OperatorURI {
		return "", errors.New("the certificate is not that of an operator")
	}
	public, err := nkeys.Encode(nkeys.PrefixByteOperator, slices.Clone(raw))
	return string(public), err
}

// OperatorKey is a public NKey of an operator as certificates hold it.
func OperatorKey(public string) (ed25519.PublicKey, error) {
	raw, err := nkeys.Decode(nkeys.PrefixByteOperator, []byte(public))
	return ed25519.PublicKey(raw), err
}

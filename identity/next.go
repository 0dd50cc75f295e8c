package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"netmon/internal/atomicfile"
	"netmon/wire"
)

// nextName is the file of the authority that takes over.
const nextName = "next.json"

// next is an authority that takes over from the one that was pinned, as the one
// that was pinned announced it. Until it did, a folder trusts both.
type next struct {
	Number     uint64          `json:"number"`    // of the list that named it
	Authority  string          `json:"authority"` // PEM
	Credential wire.Credential `json:"credential"`
}

// pin is the authority's fingerprint; "" of none.
func (n *next) pin() string {
	if n == nil {
		return ""
	}
	return Fingerprint([]byte(n.Authority))
}

// isFor says whether the credential is for a public key: keys change, too.
func (n *next) isFor(key string) bool {
	c, err := jwt.DecodeUserClaims(n.Credential.JWT)
	return err == nil && c.Subject == key
}

// readNext is what a folder keeps of an authority that takes over; nil for none.
func readNext(dir string) (*next, error) {
	data, err := os.ReadFile(filepath.Join(dir, nextName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var n next
	if err == nil {
		err = json.Unmarshal(data, &n)
	}
	if err != nil {
		return nil, fmt.Errorf("the authority that takes over: %s: %w", filepath.Join(dir, nextName), err)
	}
	return &n, nil
}

// write keeps it in a folder.
func (n *next) write(dir string) error {
	data, err := json.MarshalIndent(n, "", "  ")
	if err == nil {
		err = atomicfile.Write(filepath.Join(dir, nextName), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("keep the authority that takes over: %w", err)
	}
	return nil
}

// dropNext forgets an authority that no longer takes over, or that did.
func dropNext(dir string) error {
	if err := os.Remove(filepath.Join(dir, nextName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// pinned are the authorities that a folder trusts: its own, PEM, and the one
// that takes over, nil for none. Files that another process changed count.
func pinned(dir string) (own string, n *next, err error) {
	data, err := os.ReadFile(CA(dir))
	if err != nil {
		return "", nil, err
	}
	n, err = readNext(dir)
	if err != nil || n.pin() == Fingerprint(data) {
		n = nil // one that is damaged is fetched again; one that took over was left
	}
	return string(data), n, nil
}

// takeOver has the next authority be the only one of a folder. It may be cut
// short at any point, and done again: the file of the next one goes last.
func (n *next) takeOver(dir string) error {
	key, err := keyIn(dir)
	if err != nil {
		return err
	}
	defer key.Wipe()
	id, err := read(dir)
	if err != nil {
		return err
	}
	if public, err := key.PublicKey(); err != nil || !n.isFor(public) {
		return errors.Join(err, errors.New("the credential of the authority that took over is for another key than the one here: join again"))
	}
	if err := saveKey(dir, n.Credential.JWT, key); err != nil {
		return err
	}
	id.Authority, id.Credential = n.Authority, n.Credential
	if err := id.SaveInfo(dir); err != nil {
		return err
	}
	return dropNext(dir)
}

// keyIn is the key of a folder.
func keyIn(dir string) (nkeys.KeyPair, error) { return SignByFile(Creds(dir)).key() }

// Reissue gives the identity of a folder another authority and credential, and
// leaves its key as it is: for who has the authority at hand.
func Reissue(dir, authority string, c wire.Credential) error {
	n := &next{Authority: authority, Credential: c}
	if err := n.write(dir); err != nil { // so that it can be done again
		return err
	}
	return n.takeOver(dir)
}

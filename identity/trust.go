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

	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// OperatorURI is the one name in the certificate of a mesh's operator, by which
// no other certificate of the authority can be taken for it.
const OperatorURI = "netmon:operator"

const trustName = "trust.json"

// Trust is whom a receiver obeys: the newest list that the operator of the mesh
// signed, whom the authority that was pinned at joining certified.
type Trust struct {
	authority string // PEM
	file      string // where the list is kept, so that an older one never counts again

	mu      sync.Mutex // guards what follows
	number  uint64
	members map[string]wire.Member // by key
}

// OpenTrust reads the list in the folder of an identity. One that has none yet
// obeys nobody until it is given one.
func OpenTrust(dir string) (*Trust, error) {
	authority, err := os.ReadFile(CA(dir))
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	t := &Trust{authority: string(authority), file: filepath.Join(dir, trustName)}
	data, err := os.ReadFile(t.file)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	var list wire.SignedTrust
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err == nil {
		err = t.apply(list)
	}
	if err != nil {
		return nil, fmt.Errorf("trust %s: %w: restore it, or remove it: the broker sends another one", t.file, err)
	}
	return t, nil
}

// Number is that of the list; 0 where there is none yet.
func (t *Trust) Number() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.number
}

// Member is whose key it is. A key that is not on the list is nobody's.
func (t *Trust) Member(key string) (wire.Member, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, ok := t.members[key]
	return m, ok
}

// Take keeps a newer list. An older one is an error; the same one again is none.
func (t *Trust) Take(list wire.SignedTrust) error {
	before := t.Number()
	if err := t.apply(list); err != nil {
		return err
	}
	if t.Number() == before {
		return nil
	}
	data, err := json.Marshal(list)
	if err == nil {
		err = WriteSecret(t.file, data)
	}
	if err != nil {
		return fmt.Errorf("it holds now, and would not after a restart: %w", err)
	}
	return nil
}

func (t *Trust) apply(list wire.SignedTrust) error {
	text, err := list.Text()
	if err != nil {
		return err
	}
	if err := CheckOperator(t.authority, list.Operator, text, list.Signature); err != nil {
		return err
	}
	var l wire.Trust
	if err := json.Unmarshal([]byte(list.Trust), &l); err != nil {
		return fmt.Errorf("the list cannot be read: %w", err)
	}
	members := map[string]wire.Member{}
	for _, m := range l.Members {
		members[m.Key] = m
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.Number < t.number {
		return fmt.Errorf("it is list %d, and there was list %d: an older one never counts again", l.Number, t.number)
	}
	t.number, t.members = l.Number, members
	return nil
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
		return "", fmt.Errorf("the operator's certificate is not of the authority that was pinned when we joined: %w", err)
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

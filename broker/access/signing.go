package access

import (
	"time"

	"netmon/identity"
	"netmon/wire"
)

// signing is all that an authority signs with. A change of the authority puts
// another one in its place as a whole.
type signing struct {
	keys  *keys
	certs *certificates
	cert  string // of the operator, as wire.SignedTrust has it
}

// openSigning reads the keys and certificates of a folder, or makes them.
func openSigning(dir string, hosts []string, now time.Time) (*signing, error) {
	s := &signing{}
	var err error
	if s.keys, err = openKeys(dir); err != nil {
		return nil, err
	}
	if s.certs, err = openCertificates(dir, hosts, now); err != nil {
		return nil, err
	}
	s.cert, err = s.certs.operator(public(s.keys.operator))
	return s, err
}

// pin is the fingerprint of its authority.
func (s *signing) pin() string { return fingerprintOf(string(s.certs.authority)) }

// fingerprintOf is that of an authority, PEM; "" of none.
func fingerprintOf(authority string) string { return identity.Fingerprint([]byte(authority)) }

// credential lets a key in, and says by whom it was made.
func (s *signing) credential(id wire.Identity, key string) (*wire.Credential, error) {
	token, err := s.keys.userJWT(id.Role, id.Name, key)
	if err != nil {
		return nil, err
	}
	return s.sealed(wire.Credential{Name: id.Name, Role: id.Role, JWT: token, Labels: id.Labels}, key)
}

// session lets the key of a session in, in somebody's name.
func (s *signing) session(name string, o wire.Session) (*wire.Credential, error) {
	token, err := s.keys.userUntil(o.Role, wire.SessionName(name, o.Key), o.Key, o.Until)
	if err != nil {
		return nil, err
	}
	return s.sealed(wire.Credential{Name: name, Role: o.Role, JWT: token, Until: o.Until}, o.Key)
}

// sealed signs a credential, which is for a key.
func (s *signing) sealed(c wire.Credential, key string) (*wire.Credential, error) {
	text, err := c.Text(key)
	if err != nil {
		return nil, err
	}
	c.Operator = s.cert
	c.Signature, err = signText(s.keys.operator, text)
	return &c, err
}

// accept is the authority's word on what somebody saves, as a header.
func (s *signing) accept(acc wire.Accepted, subject, operation, proof string, data []byte) (wire.Accepted, error) {
	acc.Operator = s.cert
	text, err := acc.Text(subject, operation, proof, data)
	if err == nil {
		acc.Signature, err = signText(s.keys.operator, text)
	}
	return acc, err
}

func (a *Authority) keys() *keys          { return a.signs.Load().keys }
func (a *Authority) certs() *certificates { return a.signs.Load().certs }

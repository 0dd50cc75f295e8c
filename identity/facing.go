package identity

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Options connect with the identity of a folder. Its files are read at each
// connect: a key that was changed holds from then on, and so does an authority.
func (id Identity) Options(dir string) ([]nats.Option, error) {
	conf, err := TLS(id.Authority)
	if err != nil {
		return nil, err
	}
	f := facing{dir: dir}
	conf.VerifyConnection = f.verified
	roots := func(o *nats.Options) error { o.RootCAsCB = f.roots; return nil }
	return []nats.Option{nats.Secure(conf), roots, nats.UserJWT(f.jwt, signNonce(Creds(dir))), nats.CustomInboxPrefix(id.Inbox())}, nil
}

// facing is a connection by the identity of a folder that may trust two
// authorities. A broker is shown the credential of the one whose certificate it has.
type facing struct {
	dir string
	pin atomic.Pointer[string] // fingerprint of the authority of the broker at the other end
}

// roots are the authorities that count now.
func (f *facing) roots() (*x509.CertPool, error) {
	own, n, err := pinned(f.dir)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(own)) {
		return nil, fmt.Errorf("%s cannot be read: want PEM", CA(f.dir))
	}
	if n != nil {
		pool.AppendCertsFromPEM([]byte(n.Authority))
	}
	return pool, nil
}

// verified notes by which authority a broker was verified. It refuses nobody.
func (f *facing) verified(s tls.ConnectionState) error {
	pin := ""
	if len(s.VerifiedChains) > 0 {
		chain := s.VerifiedChains[0]
		sum := sha256.Sum256(chain[len(chain)-1].Raw)
		pin = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	f.pin.Store(&pin)
	return nil
}

// jwt is the credential for the broker at the other end.
func (f *facing) jwt() (string, error) {
	_, n, err := pinned(f.dir)
	if err != nil {
		return "", err
	}
	if pin := f.pin.Load(); pin != nil && n != nil && *pin == n.pin() {
		return n.Credential.JWT, nil
	}
	data, err := os.ReadFile(Creds(f.dir))
	if err != nil {
		return "", err
	}
	return nkeys.ParseDecoratedJWT(data)
}

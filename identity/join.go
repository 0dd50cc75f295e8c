package identity

import (
	"cmp"
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/internal/atomicfile"
	"netmon/internal/private"
	"netmon/wire"
)

// Line is what a join line holds: where, with what token, and which authority
// the broker must show.
type Line struct {
	URL   string // tls://host:port
	Token string
	Pin   string // Fingerprint of the authority
}

// String is the line as it is pasted: tls://host:port/join/TOKEN/PIN.
func (l Line) String() string { return l.URL + "/join/" + l.Token + "/" + l.Pin }

// ParseLine reads a join line.
func ParseLine(s string) (Line, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "tls" || u.Host == "" || u.User != nil {
		return Line{}, fmt.Errorf("want tls://HOST:PORT/join/TOKEN/PIN as `netmon token new` prints it")
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) != 3 || parts[0] != "join" || wire.CheckElement(parts[1]) != nil || wire.CheckElement(parts[2]) != nil || len(parts[2]) != 43 || u.Port() == "" {
		return Line{}, fmt.Errorf("the line is incomplete: want tls://HOST:PORT/join/TOKEN/PIN as `netmon token new` prints it")
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host}
	return Line{URL: at.String(), Token: parts[1], Pin: parts[2]}, nil
}

// used is what is kept from a token, to know it again.
func (l Line) used() string {
	return TokenSecret(l.Token)
}

// UsedFor says whether the identity of a folder was joined by this very line.
func (l Line) UsedFor(dir string) bool {
	id, err := read(dir)
	return err == nil && id.Joined == l.used()
}

// joinTimeout bounds the whole exchange.
const joinTimeout = 15 * time.Second

// Joiner says who joins, and where what it is to keep goes.
type Joiner struct {
	As   wire.Joiner
	Name string // an agent's: see wire.Join
	Host string
	// Folder is a folder, which is made, where the key waits for the answer. A
	// token whose answer is lost is worth something with that key only, so the
	// next try by the same line, also in another process, has the same one.
	Folder string
	// Dir names the folder that the identity is kept in, where it replaces what is there.
	Dir func(wire.Credential) (string, error)
}

// Join makes a key, exchanges the token for a credential, and keeps both. What may
// keep it from that is checked before the token is handed in. Where the broker
// gives no credential nothing is kept. The seed stays here.
func Join(ctx context.Context, l Line, as Joiner) (Identity, string, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	for _, name := range []string{as.Name, as.Host} {
		if err := wire.CheckToken(name); name != "" && err != nil {
			return Identity{}, "", fmt.Errorf("id %w", err)
		}
	}
	if err := checkFolder(as.Folder); err != nil {
		return Identity{}, "", err
	}
	var authority []byte
	conf := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: BrokerName,
		// The chain is verified below, against the pin: there is no other authority to ask yet.
		InsecureSkipVerify: true, // #nosec G402
		VerifyConnection: func(cs tls.ConnectionState) (err error) {
			authority, err = verifyPinned(cs.PeerCertificates, l.Pin)
			return err
		}}
	nc, err := l.connect(ctx, conf)
	if err != nil {
		return Identity{}, "", fmt.Errorf("join at %s: %w", l.URL, err)
	}
	defer nc.Close()
	key, waits, err := waitingKey(as, l)
	if err != nil {
		return Identity{}, "", err
	}
	c, err := handIn(ctx, nc, l.Token, key, as, string(authority))
	if err != nil {
		var refused *wire.Error
		if errors.As(err, &refused) && refused.Code == wire.CodeToken {
			os.Remove(waits) // this key is none that the token let in
		}
		return Identity{}, "", fmt.Errorf("join at %s: %w", l.URL, err)
	}
	id := Identity{URL: l.URL, Joined: l.used(), Credential: c, Authority: string(authority)}
	where, err := as.Dir(c)
	if err == nil {
		err = id.Save(where, key)
	}
	if err != nil {
		return Identity{}, "", err
	}
	os.Remove(waits) // where it stays, it is as safe as the folder that it is in, too
	return id, where, nil
}

// connect takes one of the few places for those who hold nothing but a token.
// Where many join at once, by one line, it waits for one, until ctx ends.
func (l Line) connect(ctx context.Context, conf *tls.Config) (*nats.Conn, error) {
	for {
		nc, err := nats.Connect(l.URL, nats.Secure(conf), nats.Name("netmon join"), nats.CustomInboxPrefix("_INBOX_join"),
			nats.Timeout(5*time.Second), nats.NoReconnect(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		if !errors.Is(err, nats.ErrMaxAccountConnectionsExceeded) {
			return nc, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(askSoon + rand.N(2*askSoon)): // #nosec G404 -- spreads those who join
		}
	}
}

// waitingKey is the key to join with, and the file that it waits in: one for each
// line and name.
func waitingKey(as Joiner, l Line) (key nkeys.KeyPair, path string, err error) {
	path = filepath.Join(as.Folder, ".joining-"+JoinID(l.used())[:16]+"-"+cmp.Or(as.Name, as.Host, string(as.As)))
	seed, err := os.ReadFile(path)
	if err == nil && private.Err(private.Tree(path)) == nil { // nobody else put it there
		if key, err = nkeys.FromSeed(seed); err == nil {
			return key, path, nil
		}
	}
	if key, err = nkeys.CreateUser(); err != nil {
		return nil, "", err
	}
	if seed, err = key.Seed(); err == nil {
		err = atomicfile.Write(path, seed)
	}
	if err != nil {
		return nil, "", fmt.Errorf("keep the key to join with, and the token was not used: %w", err)
	}
	return key, path, nil
}

// checkFolder says whether a folder, which is made, has room for an identity.
func checkFolder(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = tryFile(dir)
	}
	if err != nil {
		return fmt.Errorf("there is no folder for a key, and the token was not used: %w", err)
	}
	return nil
}

// identityMost is more than the files of an identity take.
const identityMost = 32 << 10

func tryFile(dir string) error {
	f, err := os.CreateTemp(dir, ".try-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, identityMost))
	return errors.Join(err, f.Sync(), f.Close())
}

// verifyPinned checks a chain against the one authority whose fingerprint is known.
func verifyPinned(chain []*x509.Certificate, pin string) ([]byte, error) {
	for _, c := range chain {
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		if subtle.ConstantTimeCompare([]byte(Fingerprint(ca)), []byte(pin)) != 1 {
			continue
		}
		roots := x509.NewCertPool()
		roots.AddCert(c)
		if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: BrokerName}); err != nil {
			return nil, err
		}
		return ca, nil
	}
	return nil, errors.New("the server there does not have the certificate that the join line names: the line is older than the last change of the authority, this is another broker, or somebody is in between: ask for a new line")
}

// credentialIn is what the broker answers to a key.
func credentialIn(data []byte, authority, key string) (wire.Credential, error) {
	var r wire.AccessReply
	if err := json.Unmarshal(data, &r); err != nil {
		return wire.Credential{}, fmt.Errorf("the broker's answer cannot be read: %w", err)
	}
	return credentialOf(r, authority, key)
}

// credentialOf is what an answer holds, if the authority made it for the key: a
// server in other hands could make somebody lose the key that lets it in.
func credentialOf(r wire.AccessReply, authority, key string) (wire.Credential, error) {
	switch {
	case r.Error != nil:
		return wire.Credential{}, r.Error
	case !r.OK || r.Credential == nil:
		return wire.Credential{}, errors.New("the broker gave no credential")
	}
	if err := CheckCredential(*r.Credential, authority, key); err != nil {
		return wire.Credential{}, err
	}
	return *r.Credential, nil
}

// CheckCredential says whether an authority, PEM, issued a credential for a public key.
func CheckCredential(c wire.Credential, authority, key string) error {
	text, err := c.Text(key)
	if err == nil {
		err = CheckOperator(authority, c.Operator, text, c.Signature)
	}
	if err != nil {
		return fmt.Errorf("the credential was not issued by the authority of this mesh, or its netmon is older: %w", err)
	}
	return wire.CheckToken(c.Name)
}

package identity

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"netmon/internal/atomicfile"
	"netmon/internal/private"
	"netmon/wire"
)

// BrokerName is in each broker's certificate, whatever address it is reached
// by: who trusts the mesh's authority asks for this name.
const BrokerName = "broker.netmon.internal"

// Names of the files of a folder that holds an identity.
const (
	infoName  = "identity.json"
	credsName = "nats.creds" // #nosec G101 -- a name: of a file in the form that the nats program takes
	caName    = "ca.pem"
)

// Identity is all of it but the key.
type Identity struct {
	URL        string          `json:"url"`              // of the broker
	Joined     string          `json:"joined,omitempty"` // hash of the token it joined with
	Credential wire.Credential `json:"credential"`
	Authority  string          `json:"-"` // PEM
}

// Fingerprint names a certificate authority: SHA-256 of its DER, in URL-safe base64.
func Fingerprint(authority []byte) string {
	block, _ := pem.Decode(authority)
	if block == nil {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// TLS trusts this authority and no other, and asks for the broker's own name.
func TLS(authority string) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(authority)) {
		return nil, errors.New("the broker's certificate authority cannot be read: want PEM")
	}
	return &tls.Config{RootCAs: pool, ServerName: BrokerName, MinVersion: tls.VersionTLS13}, nil
}

// Load reads the identity of a folder, if it is this user's alone. The error is
// fs.ErrNotExist where there is none, and a [private.Problem] where others could
// read it or put another in its place.
func Load(dir string) (Identity, error) {
	if err := private.Err(private.Tree(dir)); err != nil && Exists(dir) {
		return Identity{}, err
	}
	return read(dir)
}

func read(dir string) (Identity, error) {
	var id Identity
	data, err := os.ReadFile(filepath.Join(dir, infoName))
	if err != nil {
		return id, err
	}
	if err := json.Unmarshal(data, &id); err != nil {
		return id, fmt.Errorf("identity %s: %w", dir, err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, caName))
	if err != nil {
		return id, fmt.Errorf("identity %s: %w", dir, err)
	}
	id.Authority = string(ca)
	if _, err := os.Stat(filepath.Join(dir, credsName)); err != nil {
		return id, fmt.Errorf("identity %s: %w", dir, err)
	}
	if err := wire.CheckToken(id.Credential.Name); err != nil {
		return id, fmt.Errorf("identity %s: its name %w: join with another one", dir, err)
	}
	return id, nil
}

// Exists says whether a folder holds an identity.
func Exists(dir string) bool {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return false // a file of credentials: to look into it is another error than ErrNotExist
	}
	_, err := os.Stat(filepath.Join(dir, infoName))
	return !errors.Is(err, fs.ErrNotExist)
}

// Save keeps an identity and its key in a folder of mode 0700, in files of
// mode 0600. What makes it complete is written last.
func (id Identity) Save(dir string, key nkeys.KeyPair) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep the identity: %w", err)
	}
	if have, err := os.ReadFile(CA(dir)); err == nil && string(have) != id.Authority {
		// Another mesh: its list is another one, too, and may have any number.
		err := dropNext(dir)
		if err == nil {
			err = os.Remove(filepath.Join(dir, trustName))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep the identity: %w", err)
		}
	}
	if err := saveKey(dir, id.Credential.JWT, key); err != nil {
		return err
	}
	return id.SaveInfo(dir)
}

// SaveInfo keeps an identity whose key stays as it is.
func (id Identity) SaveInfo(dir string) error {
	data, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	err = atomicfile.Write(filepath.Join(dir, caName), []byte(id.Authority))
	if err == nil {
		err = atomicfile.Write(filepath.Join(dir, infoName), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("keep the identity: %w", err)
	}
	return nil
}

// PublicKey is the public part of the key in a folder.
func PublicKey(dir string) (string, error) {
	key, err := SignByFile(Creds(dir)).key()
	if err != nil {
		return "", err
	}
	return key.PublicKey()
}

// saveKey writes the key with the credential that lets it in.
func saveKey(dir, token string, key nkeys.KeyPair) error {
	seed, err := key.Seed()
	if err != nil {
		return err
	}
	creds, err := jwt.FormatUserConfig(token, seed)
	if err == nil {
		err = atomicfile.Write(filepath.Join(dir, credsName), creds)
	}
	if err != nil {
		return fmt.Errorf("keep the key: %w", err)
	}
	return nil
}

// Creds is the path of the credentials of a folder, in the form of the nats program.
func Creds(dir string) string { return filepath.Join(dir, credsName) }

// FolderOf is the folder of the identity whose credentials a file is; "" where it
// is another file.
func FolderOf(creds string) string {
	if dir := filepath.Dir(creds); filepath.Base(creds) == credsName && Exists(dir) {
		return dir
	}
	return ""
}

// CA is the path of the broker's certificate authority of a folder.
func CA(dir string) string { return filepath.Join(dir, caName) }

// Inbox is the prefix under which the identity may take answers.
func (id Identity) Inbox() string {
	if id.Credential.Role == wire.RoleAgent {
		return "_INBOX_" + id.Credential.Name
	}
	return "_INBOX." + id.Credential.Name
}

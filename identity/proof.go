package identity

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// Signer signs in the name of one identity. It is safe for use by several goroutines.
type Signer struct {
	key func() (nkeys.KeyPair, error)
}

// SignBy signs with a key that is at hand.
func SignBy(key nkeys.KeyPair) *Signer {
	return &Signer{func() (nkeys.KeyPair, error) { return key, nil }}
}

// SignByFile signs with the seed in a file, as the nats program takes it. The
// file is read each time: a key that was changed holds from then on.
func SignByFile(path string) *Signer {
	return &Signer{func() (nkeys.KeyPair, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		key, err := nkeys.ParseDecoratedUserNKey(data)
		if err != nil {
			return nil, fmt.Errorf("sign by %s: %w", path, err)
		}
		return key, nil
	}}
}

// NameIn is the name that a netmon credential in a file is for; "" where the
// file holds another one, or none.
func NameIn(path string) string {
	name, _ := namedIn(path)
	return name
}

// RoleIn is the role that a netmon credential in a file gives; "" where NameIn is.
func RoleIn(path string) wire.Role {
	_, role := namedIn(path)
	return role
}

// namedIn is whom a netmon credential in a file is for, and what they may do.
func namedIn(path string) (name string, role wire.Role) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", ""
	}
	token, err := jwt.ParseDecoratedJWT(data)
	if err != nil {
		return "", ""
	}
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil {
		return "", ""
	}
	for _, r := range wire.Roles {
		if claims.Tags.Contains(wire.RoleTag(r)) {
			return claims.Name, r
		}
	}
	return "", ""
}

// Sign returns the header that goes with a message: p, with the key and the
// signature filled in.
func (s *Signer) Sign(subject, operation string, data []byte, p wire.Proof) (header string, err error) {
	key, err := s.key()
	if err != nil {
		return "", err
	}
	if p.Key, err = key.PublicKey(); err != nil {
		return "", err
	}
	text, err := p.Text(subject, operation, data)
	if err != nil {
		return "", err
	}
	sum, err := key.Sign(text)
	if err != nil {
		return "", err
	}
	p.Signature = base64.RawURLEncoding.EncodeToString(sum)
	out, err := json.Marshal(p)
	return string(out), err
}

// SignRequest signs a request for the receiver's challenge. It can be carried out once.
func (s *Signer) SignRequest(subject, challenge string, data []byte) (header string, err error) {
	return s.Sign(subject, "", data, wire.Proof{Challenge: challenge, Nonce: rand.Text()})
}

// Check reads the header of a message and says whether its key signed the message.
func Check(header, subject, operation string, data []byte) (wire.Proof, error) {
	p, err := wire.DecodeProof(header)
	if err != nil {
		return p, err
	}
	text, err := p.Text(subject, operation, data)
	if err != nil {
		return p, err
	}
	if !nkeys.IsValidPublicUserKey(p.Key) || !signed(p.Key, text, p.Signature) {
		return p, errors.New("its signature is not by the key that it names, or not of this message")
	}
	return p, nil
}

// signed says whether a public NKey signed a text.
func signed(public string, text []byte, signature string) bool {
	key, err := nkeys.FromPublicKey(public)
	if err != nil {
		return false
	}
	sum, err := base64.RawURLEncoding.DecodeString(signature)
	return err == nil && key.Verify(text, sum) == nil
}

package identity

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// Sealer seals answers to those who hand in a token.
type Sealer struct {
	key    nkeys.KeyPair
	public string
}

// NewSealer makes a key for it, which is kept nowhere.
func NewSealer() (Sealer, error) {
	key, err := nkeys.CreateCurveKeys()
	if err != nil {
		return Sealer{}, err
	}
	public, err := key.PublicKey()
	return Sealer{key, public}, err
}

// Seal is an answer that only the holder of a curve key can read.
func (s Sealer) Seal(r wire.AccessReply, to string) ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	box, err := s.key.Seal(data, to)
	if err != nil {
		return nil, fmt.Errorf("seal the answer: %w", err)
	}
	return json.Marshal(wire.Sealed{From: s.public, Sealed: base64.StdEncoding.EncodeToString(box)})
}

// errNotSealed says that a message is not an answer for the one curve key.
var errNotSealed = errors.New("not an answer that is sealed to this request")

// sealedMost is more than a credential with the most labels is.
const sealedMost = 64 << 10

// open reads an answer. That it was sealed to a key that only the broker knows
// shows whose it is: From may be anybody's.
func open(data []byte, curve nkeys.KeyPair) (r wire.AccessReply, err error) {
	var e wire.Sealed
	if len(data) > sealedMost || json.Unmarshal(data, &e) != nil || !nkeys.IsValidPublicCurveKey(e.From) {
		return r, errNotSealed
	}
	box, err := base64.StdEncoding.DecodeString(e.Sealed)
	if err != nil {
		return r, errNotSealed
	}
	plain, err := curve.Open(box, e.From)
	if err != nil {
		return r, errNotSealed
	}
	if err := json.Unmarshal(plain, &r); err != nil {
		return wire.AccessReply{}, errNotSealed
	}
	return r, nil
}

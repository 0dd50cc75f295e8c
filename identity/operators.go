package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"netmon/wire"
)

// Operators checks what the operators of a mesh signed, by the authority that
// certified them. It knows a certificate again: checking one costs twice what a
// signature does. It is safe for use by several goroutines.
type Operators struct {
	authority string // PEM

	mu   sync.Mutex
	keys map[string]string // public NKeys by certificate
}

// mostOperators are known at once: a broker makes a certificate at each start.
const mostOperators = 100

// NewOperators trusts an authority, PEM.
func NewOperators(authority string) *Operators {
	return &Operators{authority: authority, keys: map[string]string{}}
}

func (o *Operators) key(certificate string) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if key, known := o.keys[certificate]; known {
		return key, nil
	}
	key, err := operatorOf(o.authority, certificate)
	if err != nil {
		return "", err
	}
	if len(o.keys) >= mostOperators {
		clear(o.keys)
	}
	o.keys[certificate] = key
	return key, nil
}

// Check says whether an operator of the mesh signed a text.
func (o *Operators) Check(certificate string, text []byte, signature string) error {
	key, err := o.key(certificate)
	if err != nil {
		return err
	}
	if !signed(key, text, signature) {
		return errors.New("its signature is not by the operator of this mesh, or not of this text")
	}
	return nil
}

// Accepted says whether the mesh let in what is saved: accepted and proof are
// the headers beside it.
func (o *Operators) Accepted(accepted, subject, operation, proof string, data []byte) error {
	if accepted == "" {
		return errors.New("this mesh did not let it in: it has no " + wire.AcceptedHeader)
	}
	var a wire.Accepted
	if err := json.Unmarshal([]byte(accepted), &a); err != nil {
		return fmt.Errorf("its %s cannot be read: %w", wire.AcceptedHeader, err)
	}
	text, err := a.Text(subject, operation, proof, data)
	if err != nil {
		return err
	}
	return o.Check(a.Operator, text, a.Signature)
}

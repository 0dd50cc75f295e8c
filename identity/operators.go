package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"netmon/wire"
)

// Operators checks what the operators of a mesh signed, by the authority that
// certified them. It knows a certificate again: checking one costs twice what a
// signature does. It is safe for use by several goroutines.
type Operators struct {
	pins func() []string // authorities that count, PEM

	mu    sync.Mutex
	known []string          // what pins said last
	asked time.Time         // when
	keys  map[string]string // public NKeys by certificate, of known
}

// pinsFor is how long an answer about authorities is believed.
const pinsFor = time.Second

// mostOperators are known at once: a broker makes a certificate at each start.
const mostOperators = 100

// NewOperators trusts authorities, PEM.
func NewOperators(authorities ...string) *Operators {
	return &Operators{pins: func() []string { return authorities }, keys: map[string]string{}}
}

// OperatorsBy trusts the authorities, PEM, that pins says, or said a second ago.
func OperatorsBy(pins func() []string) *Operators {
	return &Operators{pins: pins, keys: map[string]string{}}
}

// OperatorsOf trusts the authorities that the identity of a folder believes at
// the moment, or did a second ago.
func OperatorsOf(dir string) *Operators {
	return &Operators{keys: map[string]string{}, pins: func() []string {
		own, n, err := pinned(dir)
		if err != nil {
			return nil
		}
		if n != nil {
			return []string{own, n.Authority}
		}
		return []string{own}
	}}
}

func (o *Operators) key(certificate string) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asked.IsZero() || time.Since(o.asked) >= pinsFor {
		pins := o.pins()
		if !slices.Equal(pins, o.known) {
			clear(o.keys) // one may no longer count
		}
		o.known, o.asked = pins, time.Now()
	}
	if key, known := o.keys[certificate]; known {
		return key, nil
	}
	var key string
	err := errors.New("there is no authority to trust")
	for _, authority := range o.known {
		var errOf error
		if key, errOf = operatorOf(authority, certificate); errOf == nil {
			err = nil
			break
		}
		err = errOf
	}
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

// CheckSaved says whether the mesh let in what is saved, and its author's signature is
// good. Whether that author may still come in does not count.
func (o *Operators) CheckSaved(subject, operation, accepted, proof string, data []byte) error {
	if err := o.Accepted(accepted, subject, operation, proof, data); err != nil {
		return err
	}
	if proof == "" { // it was there before anybody had to sign
		return nil
	}
	_, err := Check(proof, subject, operation, data)
	return err
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

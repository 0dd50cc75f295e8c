package identity

import (
	"errors"
	"fmt"
	"slices"

	"netmon/wire"
)

// refused is why a request is not carried out, with its code for programs.
type refused struct {
	code wire.Code
	err  error
}

func (r *refused) Error() string   { return r.err.Error() }
func (r *refused) Unwrap() error   { return r.err }
func (r *refused) Code() wire.Code { return r.code }

// Receiver checks who sent a request.
type Receiver struct {
	Member     func(key string) (wire.Member, bool) // whose key it is, of those that are in
	Challenges *Challenges
}

// Sender is who signed a request on a subject, if the role is one of roles. A
// request passes once. The error is a [wire.Coder]; the member is known where
// the signature is good, also beside an error.
func (r Receiver) Sender(header, subject string, data []byte, roles ...wire.Role) (wire.Member, error) {
	who, p, err := r.author(header, subject, "", data, roles,
		"it is not signed, and this mesh requires signatures: netmon signs what it sends if it is as new as the receiver; the nats program may only read")
	if err != nil {
		return who, err
	}
	if err := r.Challenges.Take(p); err != nil {
		code := wire.CodeUnsigned
		if errors.Is(err, ErrStale) {
			code = wire.CodeChallenge
		}
		return who, &refused{code, err}
	}
	return who, nil
}

// Saver is who signed what is to be saved in a bucket.
func (r Receiver) Saver(header, subject, operation string, data []byte, store string, over uint64, roles ...wire.Role) (wire.Member, error) {
	who, p, err := r.author(header, subject, operation, data, roles,
		"it is not signed, and this mesh requires signatures: use netmon, as new as the broker's")
	if err != nil {
		return who, err
	}
	if p.Store != store || p.Revision != over {
		return who, &refused{wire.CodeStale, fmt.Errorf("it is signed for revision %d of store %q, and sent for revision %d of %q", p.Revision, p.Store, over, store)}
	}
	return who, nil
}

// author is who signed a message, if the role is one of roles. unsigned is what
// to say of one that nobody signed.
func (r Receiver) author(header, subject, operation string, data []byte, roles []wire.Role, unsigned string) (wire.Member, wire.Proof, error) {
	p, err := Check(header, subject, operation, data)
	if err != nil {
		if header == "" {
			err = errors.New(unsigned)
		}
		return wire.Member{}, p, &refused{wire.CodeUnsigned, err}
	}
	who, ok := r.Member(p.Key)
	if !ok {
		return wire.Member{}, p, &refused{wire.CodeUnknown, fmt.Errorf("it is signed by %s, a key that nobody has here: it was shut out, or is too new", p.Key)}
	}
	if !slices.Contains(roles, who.Role) {
		return who, p, &refused{wire.CodeDenied, fmt.Errorf("your role does not include it: %s is %s", who.Name, article(who.Role))}
	}
	return who, p, nil
}

// Refuse is an error with its code for programs.
func Refuse(code wire.Code, err error) error { return &refused{code, err} }

func article(r wire.Role) string {
	if r == wire.RoleAgent || r == wire.RoleAdmin || r == wire.RoleOperator {
		return "an " + string(r)
	}
	return "a " + string(r)
}

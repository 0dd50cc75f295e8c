package wire

import (
	"fmt"
	"strings"
	"time"
)

// Bounds of a session: a key by which a program, such as the one that serves pages, acts
// in the name of a person who signed for it.
const (
	MinSession   = Duration(time.Minute)
	MaxSession   = Duration(24 * time.Hour)
	MaxSessionOf = 80  // bytes of the text that says what holds the key
	MaxDelegate  = 512 // bytes of a request
)

// DelegateOp is what is to become of a session.
type DelegateOp string

const (
	DelegateOpen DelegateOp = "open" // let a key act in one's name
	DelegateEnd  DelegateOp = "end"  // and no longer
)

// Delegation is a request on access.delegate.<name>, signed by the key of that name. A
// session may end itself, on the subject of its own name (see [SessionName]).
type Delegation struct {
	Op   DelegateOp `json:"op"`             // open or end
	Key  string     `json:"key"`            // public NKey of the session, U...: its seed stays where it was made
	Role Role       `json:"role,omitempty"` // open: viewer or operator, and no more than one's own
	For  Duration   `json:"for,omitempty"`  // open: how long, 1m to 24h
	Of   string     `json:"of,omitempty"`   // open: which program holds the key, for people
}

// DecodeDelegation reads a request, strictly: a misspelt field would be a longer session,
// or another role.
func DecodeDelegation(data []byte) (Delegation, error) {
	var d Delegation
	if err := tooLong("the request", data, MaxDelegate); err != nil {
		return d, err
	}
	if err := DecodeStrict(data, &d); err != nil {
		return Delegation{}, err
	}
	return d, d.Validate()
}

// Validate says what is wrong with a request, all at once. Whether the key is one is for
// the receiver.
func (d Delegation) Validate() error {
	var p Problems
	if !keyLike(d.Key) {
		p.Addf("key", "want the public NKey of a user, U..., got %q", Clip(d.Key, MaxToken))
	}
	switch d.Op {
	case DelegateOpen:
		if d.Role != RoleViewer && d.Role != RoleOperator {
			p.Addf("role", "want viewer or operator, which is the most that a session may be, got %q", Clip(string(d.Role), MaxToken))
		}
		if d.For < MinSession || d.For > MaxSession {
			p.Addf("for", "want %v to %v, got %q", MinSession, MaxSession, d.For)
		}
		if len(d.Of) > MaxSessionOf || invisible(d.Of) {
			p.Addf("of", "want text of at most %d bytes that can be printed, got %q", MaxSessionOf, Clip(d.Of, MaxSessionOf))
		}
	case DelegateEnd:
		if d.Role != "" || d.For != 0 || d.Of != "" {
			p.Addf("op", "role, for and of belong to open, and not to end")
		}
	default:
		p.Addf("op", "want open or end, got %q", Clip(string(d.Op), MaxToken))
	}
	return p.Err()
}

// keyLike says whether a text may be a public NKey of a user.
func keyLike(key string) bool {
	return len(key) == 56 && key[0] == 'U' && strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// Session is a key that acts in the name of an identity for some hours.
type Session struct {
	Key   string    `json:"key"`          // public NKey
	Role  Role      `json:"role"`         // viewer or operator
	Of    string    `json:"of,omitempty"` // which program holds the key, as the person said
	Made  time.Time `json:"made"`         // when, UTC
	Until time.Time `json:"until"`        // when it ends by itself, UTC
}

// sessionMark is in no identity's name.
const sessionMark = ":"

// SessionName is by which name NATS knows a session. It differs from the person's, so
// that neither of them sees the answers to the other: among an admin's are join lines.
func SessionName(person, key string) string { return person + sessionMark + key }

// SplitSession is whose session has a name in NATS, and by which key; key is "" for the
// person's own.
func SplitSession(name string) (person, key string) {
	person, key, _ = strings.Cut(name, sessionMark)
	return person, key
}

// DelegateSubject is where the person of a name, or a session by its own name in NATS,
// asks about sessions.
func DelegateSubject(name string) (string, error) {
	person, key := SplitSession(name)
	if err := CheckToken(person); err != nil {
		return "", fmt.Errorf("name %w", err)
	}
	if name != person && !keyLike(key) {
		return "", fmt.Errorf("name: want the public NKey of a session after %q, got %q", person+sessionMark, Clip(key, MaxToken))
	}
	return "access.delegate." + name, nil
}

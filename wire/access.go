package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Role is what an identity may do. broker/access says what that is in subjects.
type Role string

const (
	RoleAgent    Role = "agent"    // measures, and obeys commands
	RoleViewer   Role = "viewer"   // reads results, heartbeats and saved monitors
	RoleOperator Role = "operator" // a viewer that commands agents and saves monitors
	RoleAdmin    Role = "admin"    // an operator that lets others in
	RoleNotifier Role = "notifier" // sends notices
	// RoleController is the broker's own controller's. No token is made for it.
	RoleController Role = "controller"
)

// Roles lists what a token may be made for.
var Roles = []Role{RoleAgent, RoleViewer, RoleOperator, RoleAdmin, RoleNotifier}

// Joiner is what somebody of this role is, as whoever joins says it.
func (r Role) Joiner() Joiner {
	switch r {
	case RoleAgent:
		return JoinAgent
	case RoleNotifier:
		return JoinNotifier
	}
	return JoinConsole
}

// Subjects of a broker that has identities.
const (
	AccessJoinSubject  = "access.join"  // whoever holds a token: Join, answered by AccessReply
	AccessAdminSubject = "access.admin" // admins: AccessCommand, answered by AccessReply
	AuditStream        = "AUDIT"        // who did what: audit.*
	AllAudits          = "audit.*"
)

// RotateSubject is where an identity asks for a credential for its next key.
func RotateSubject(name string) (string, error) {
	if err := CheckToken(name); err != nil {
		return "", fmt.Errorf("name %w", err)
	}
	return "access.rotate." + name, nil
}

// ClaimSubject is where an agent asks who else has its id. It cannot ask on its
// own command subject: NATS would let it publish to whatever place it names for
// the answer.
func ClaimSubject(agent string) (string, error) {
	if err := CheckToken(agent); err != nil {
		return "", fmt.Errorf("agent id %w", err)
	}
	return "access.claim." + agent, nil
}

// AuditSubject is where what an agent, or the broker itself, did is published.
func AuditSubject(where string) (string, error) {
	if err := CheckToken(where); err != nil {
		return "", fmt.Errorf("name %w", err)
	}
	return "audit." + where, nil
}

// Joiner is what somebody with a token is: a token is for one of them.
type Joiner string

const (
	JoinAgent   Joiner = "agent"
	JoinConsole Joiner = "console" // a person, or a program of one
	// JoinNotifier is a program that sends notices.
	JoinNotifier Joiner = "notifier"
)

// Join exchanges a token for a credential. Neither the token nor the key's seed
// leaves the host where it is.
type Join struct {
	ID    string `json:"id,omitempty"`    // names the token; absent when rotating
	Key   string `json:"key"`             // public NKey of the user, U...
	Curve string `json:"curve,omitempty"` // with a token: public curve NKey, X..., made for this request, to which the answer is sealed
	As    Joiner `json:"as,omitempty"`    // with a token: agent, console or notifier
	Name  string `json:"name,omitempty"`  // with an agent's token: the id that it was given; refused where the token is for another
	Host  string `json:"host,omitempty"`  // with an agent's token: the id that it takes where neither name nor the token says one
	Proof string `json:"proof,omitempty"` // with a token: HMAC-SHA256 by its secret over Text, base64 for URLs, without padding

	// On access.rotate, about the authority and not about a new key. A question
	// changes nothing and is not signed; what is kept is said signed.
	Ask  bool   `json:"ask,omitempty"`  // which authority takes over? answered by a NextAuthority
	Kept string `json:"kept,omitempty"` // fingerprint of the authority that is kept on disk, with a credential for Key
}

// Text is what the proof covers.
func (j Join) Text() string {
	return strings.Join([]string{"netmon-join-2", j.ID, j.Key, j.Curve, string(j.As), j.Name, j.Host}, "\n")
}

// Sealed carries an AccessReply that only the one asker can read: all who hold a
// token, and nothing else, share a place for answers.
type Sealed struct {
	From   string `json:"from"`   // public curve NKey of who sealed it, X...
	Sealed string `json:"sealed"` // an AccessReply in a NaCl box (as nkeys makes them), in base64
}

// AccessOp is what an admin asks for.
type AccessOp string

const (
	AccessToken  AccessOp = "token"  // make a token
	AccessList   AccessOp = "list"   // tell who may come in
	AccessRevoke AccessOp = "revoke" // shut out, now
	AccessResume AccessOp = "resume" // let a suspended agent in again
	AccessForget AccessOp = "forget" // an agent that died: it is in no list any more

	AccessAuthority       AccessOp = "authority"        // tell of the authority, and who has the next one
	AccessAuthorityRotate AccessOp = "authority-rotate" // begin a change of the authority's keys, or continue without some
	AccessAuthorityAbort  AccessOp = "authority-abort"  // give it up, before the switch

	AccessConsumers      AccessOp = "consumers"        // tell by what consoles read
	AccessConsumerRemove AccessOp = "consumers-remove" // end some of these
)

// AccessOps lists them.
var AccessOps = []AccessOp{AccessToken, AccessList, AccessRevoke, AccessResume, AccessForget, AccessAuthority, AccessAuthorityRotate, AccessAuthorityAbort, AccessConsumers, AccessConsumerRemove}

// AccessCommand is a request on access.admin.
type AccessCommand struct {
	Op       AccessOp          `json:"op"`                 // one of AccessOps
	Name     string            `json:"name,omitempty"`     // token, revoke, resume: of the identity; forget: of the agent; consumers: theirs, default all; consumers-remove: theirs
	Role     Role              `json:"role,omitempty"`     // token: agent, viewer, operator, admin or notifier; with replace, absent is the earlier one
	Labels   map[string]string `json:"labels,omitempty"`   // token for an agent: what selectors match; with replace, absent keeps those that it has
	Uses     int               `json:"uses,omitempty"`     // token for agents: how many may join by it, each under a name of its own, 1 to 10000; default 1. Of more than one, name is the token's own, and made where it is absent
	Replace  bool              `json:"replace,omitempty"`  // token for a name in use: whoever has its key is shut out once somebody joined by the token
	After    string            `json:"after,omitempty"`    // list, consumers: continue after this one
	Expires  Duration          `json:"expires,omitempty"`  // token: how long it may be used; default 1h
	Consumer string            `json:"consumer,omitempty"` // consumers-remove: its name; default all of that identity
	Without  []string          `json:"without,omitempty"`  // authority-rotate: identities that it does not wait for
	Missing  bool              `json:"missing,omitempty"`  // authority-rotate: nor for any other that is missing now
}

// MaxTokenLife is the longest that a token may wait to be used.
const MaxTokenLife = Duration(30 * day)

// CheckExpires says what is wrong with how long a token may be used.
func (c AccessCommand) CheckExpires() error {
	if c.Expires == 0 || c.Expires >= Duration(time.Second) && c.Expires <= MaxTokenLife {
		return nil
	}
	var p Problems
	p.Addf("expires", "want 1s to %v, got %q", MaxTokenLife, c.Expires)
	return p.Err()
}

// AccessReply answers Join and AccessCommand.
type AccessReply struct {
	OK         bool        `json:"ok"`                   // it was done
	Error      *Error      `json:"error,omitempty"`      // what is wrong
	Line       string      `json:"line,omitempty"`       // token: what the other one joins by; it is a secret, shown once
	Hosts      []string    `json:"hosts,omitempty"`      // token: further addresses of a broker that listens on all of its host; any may stand in the line
	Credential *Credential `json:"credential,omitempty"` // join, rotate; of a session that was opened
	Identities []Identity  `json:"identities,omitempty"` // token, list, revoke, resume
	Consumers  []Consumer  `json:"consumers,omitempty"`  // consumers, consumers-remove
	Next       string      `json:"next,omitempty"`       // list, consumers: give this as after to continue

	Authority *AuthorityState `json:"authority,omitempty"` // authority, authority-rotate, authority-abort
	Takeover  *NextAuthority  `json:"takeover,omitempty"`  // to whoever asks for it on access.rotate

	Challenge string `json:"challenge,omitempty"` // for the next request, where this one was signed for an old one
}

// NextAuthority is which authority takes over, for one identity.
type NextAuthority struct {
	List       SignedTrust `json:"list"`                 // the newest one, whose Next is the fingerprint
	Authority  string      `json:"authority,omitempty"`  // PEM; absent where none takes over
	Credential *Credential `json:"credential,omitempty"` // by the next authority, for the key in use
}

// What becomes of an authority.
const (
	AuthoritySteady    = "steady"    // nothing
	AuthorityAnnounced = "announced" // another one was made, and takes over once all have it
	AuthoritySwitched  = "switched"  // another one took over, and some that have it did not come yet
)

// AuthorityState is the mesh's authority, and how far a change of it is.
type AuthorityState struct {
	Pin     string    `json:"pin"`               // fingerprint of the one in force
	Made    time.Time `json:"made"`              // when it was made, UTC
	State   string    `json:"state"`             // steady, announced or switched
	Next    string    `json:"next,omitempty"`    // announced: fingerprint of the one that takes over
	Before  string    `json:"before,omitempty"`  // fingerprint of the previous one
	Began   time.Time `json:"began,omitzero"`    // announced, switched: when, UTC
	By      string    `json:"by,omitempty"`      // announced, switched: who began it
	All     int       `json:"all"`               // identities that are in, but for the broker's own host's admin
	Have    int       `json:"have"`              // announced: that keep the next one; switched: that came over
	Missing []Missing `json:"missing,omitempty"` // announced: that are waited for; switched: that did not come yet; of many the first 500
	Without []string  `json:"without,omitempty"` // that are not waited for, or were not
	Lines   int       `json:"lines,omitempty"`   // announced: join lines that no longer count after the switch
	Problem string    `json:"problem,omitempty"` // why it does not continue
}

// Missing is an identity that a change of the authority waits for.
type Missing struct {
	Name string `json:"name"` // of the identity
	Role Role   `json:"role"` // agent, viewer, operator, admin or notifier
}

// Consumer is one line of `netmon access consumers`: by what a console reads a stream.
type Consumer struct {
	Owner   string    `json:"owner"`            // the identity that made it
	Stream  string    `json:"stream"`           // that it reads
	Name    string    `json:"name"`             // of the consumer
	Made    time.Time `json:"made"`             // when, UTC
	Filter  string    `json:"filter,omitempty"` // subjects that it reads; absent is all
	Pending uint64    `json:"pending"`          // messages that it has not read
}

// Credential lets a key in. It is worth nothing without the key's seed.
type Credential struct {
	Name   string            `json:"name"`             // of the identity
	Role   Role              `json:"role"`             // agent, viewer, operator, admin or notifier
	JWT    string            `json:"jwt"`              // of the user, as NATS reads it
	Labels map[string]string `json:"labels,omitempty"` // of an agent
	Until  time.Time         `json:"until,omitzero"`   // of a session: when it ends

	Operator  string `json:"operator,omitempty"`  // DER of the operator's certificate, base64
	Signature string `json:"signature,omitempty"` // by the operator's key, as in a Proof, over all of this and the key
}

// Identity is one line of `netmon access ls`.
type Identity struct {
	Name    string            `json:"name"`              // in subjects, and of whom the audit speaks
	Role    Role              `json:"role"`              // agent, viewer, operator, admin or notifier
	State   string            `json:"state"`             // invited, joined, rotating, suspended, expired or revoked; of a token for several agents open, used, expired or revoked
	Labels  map[string]string `json:"labels,omitempty"`  // of an agent
	Key     string            `json:"key,omitempty"`     // public NKey
	By      string            `json:"by,omitempty"`      // who made the token
	Made    time.Time         `json:"made"`              // when, UTC
	Expires time.Time         `json:"expires,omitzero"`  // of a token that may still be used, also of one that replaces a key in use
	Joined  time.Time         `json:"joined,omitzero"`   // when the token was used
	Revoked time.Time         `json:"revoked,omitzero"`  // when it was shut out
	Revoker string            `json:"revoker,omitempty"` // by whom

	Uses  int    `json:"uses,omitempty"`  // of a token for several agents: how many may join by it
	Used  int    `json:"used,omitempty"`  // and how many did
	Token string `json:"token,omitempty"` // of an agent that came by such a token: its name

	Suspended time.Time `json:"suspended,omitzero"` // when the broker shut an agent out for a while
	Until     time.Time `json:"until,omitzero"`     // when it lets it in again
	Why       string    `json:"why,omitempty"`      // it was suspended, in words

	Sessions []Session `json:"sessions,omitempty"` // that act in this name now
}

// Audit is one state change and its author, on audit.<where>.
type Audit struct {
	At     time.Time `json:"at"`               // UTC
	By     string    `json:"by,omitempty"`     // whom the broker verified; absent where it verifies nobody
	Where  string    `json:"where"`            // the agent, or the broker's "access", "monitors" or "alerting"
	Did    string    `json:"did"`              // such as start, stop, run, probe, save, delete, config-save, config-delete, channel-save, rule-delete, silence, silence-end, ack, unack, token, join, revoke, suspend, resume, forget, session-open, session-end, authority-rotate, authority-abort, authority-switch
	What   []string  `json:"what,omitempty"`   // names of monitors, configurations or identities
	Detail string    `json:"detail,omitempty"` // in words
	OK     bool      `json:"ok"`               // it was done; otherwise Error says why not
	Error  string    `json:"error,omitempty"`  // why it was not done
}

// DecodeAudit reads an audit that came on subject.
func DecodeAudit(subject string, data []byte) (Audit, error) {
	var a Audit
	if err := json.Unmarshal(data, &a); err != nil {
		return Audit{}, fmt.Errorf("decode audit on %s: %w", subject, err)
	}
	want, err := AuditSubject(a.Where)
	if err != nil {
		return Audit{}, fmt.Errorf("decode audit on %s: %w", subject, err)
	}
	if want != subject {
		return Audit{}, fmt.Errorf("decode audit on %s: it says it belongs on %s", subject, want)
	}
	return a, nil
}

// CallerHeader is what the broker sets on a request that comes from another
// account, whatever the sender wrote there.
const CallerHeader = "Nats-Request-Info"

// RoleTag is how a credential says its role: it is signed with it, and the
// broker repeats it in the CallerHeader.
func RoleTag(r Role) string { return roleTag + string(r) }

const roleTag = "role:"

// Asker is who sent a request, as the broker says.
type Asker struct {
	Name    string // of the identity
	Role    Role
	Session string // key of the session that acts in this name; "" where none does
}

// NATS is the name by which the broker knows who sent it.
func (a Asker) NATS() string {
	if a.Session == "" {
		return a.Name
	}
	return SessionName(a.Name, a.Session)
}

// Caller is who sent a request, and in which role, as the broker says. An
// error means that it does not say, or that the request took a way that no
// honest one takes: as the answer to another one, which NATS delivers to
// whatever place the asker named.
func Caller(header string) (Asker, error) {
	var info struct {
		Name    string   `json:"name_tag"`
		Service string   `json:"svc"`
		Tags    []string `json:"tags"`
	}
	if header == "" || json.Unmarshal([]byte(header), &info) != nil || info.Service != "" || len(info.Tags) != 1 {
		return Asker{}, errNoCaller
	}
	name, key := SplitSession(info.Name)
	if CheckToken(name) != nil || name != info.Name && !keyLike(key) {
		return Asker{}, errNoCaller
	}
	tag, found := strings.CutPrefix(info.Tags[0], roleTag)
	role := Role(tag)
	if !found || role != RoleController && !slices.Contains(Roles, role) {
		return Asker{}, errNoCaller
	}
	return Asker{name, role, key}, nil
}

var errNoCaller = errors.New("the broker does not say who sent it")

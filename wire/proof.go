package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// EditionHeader counts the changes of what is saved, beside its data: an older reader
// would take a field of the data for a setting of its own.
const EditionHeader = "Netmon-Edition"

// ParseEdition reads the header, 0 where it is none.
func ParseEdition(header string) uint64 {
	n, err := strconv.ParseUint(header, 10, 63)
	if err != nil {
		return 0
	}
	return n
}

// Headers of a message in a mesh that has identities. The data stays what it
// is, JSON that a person can read and write.
const (
	ProofHeader    = "Netmon-Proof"    // a Proof: who sent it
	AcceptedHeader = "Netmon-Accepted" // an Accepted: of what is saved
)

// Proof says who sent a message, and shows it. The signature is Ed25519 over
// Text: whoever passes the message on can change nothing of it, send it to
// another receiver, or send it twice.
type Proof struct {
	Key       string `json:"key"`                 // public NKey of who signs, U...
	Challenge string `json:"challenge,omitempty"` // a request: that the receiver gave out
	Nonce     string `json:"nonce,omitempty"`     // a request: used once
	Store     string `json:"store,omitempty"`     // what is saved: the life of the bucket
	Revision  uint64 `json:"revision,omitempty"`  // what is saved: the revision that it replaces; 0 is none
	Signature string `json:"signature"`           // base64 for URLs, without padding
}

var errNoProof = errors.New("it is not signed")

// DecodeProof reads the header. The error of an absent one is that it is not signed.
func DecodeProof(header string) (Proof, error) {
	var p Proof
	if header == "" {
		return Proof{}, errNoProof
	}
	if len(header) > MaxProof {
		return Proof{}, fmt.Errorf("its %s is %d bytes long: want at most %d", ProofHeader, len(header), MaxProof)
	}
	if err := json.Unmarshal([]byte(header), &p); err != nil {
		return Proof{}, fmt.Errorf("its %s cannot be read: %w", ProofHeader, err)
	}
	return p, nil
}

// Text is what the signature covers: the subject on which the message was sent,
// the operation on what is saved (the header KV-Operation), and all of the
// proof and of the data. An error means that one part could be taken for another.
func (p Proof) Text(subject, operation string, data []byte) ([]byte, error) {
	return signedText(data, "netmon-proof-1", subject, operation, p.Key, p.Challenge, p.Nonce, p.Store, strconv.FormatUint(p.Revision, 10))
}

// Accepted is the authority's word that it let something be saved: that the
// proof beside it was good then, or, where there is none, that it was there
// before the mesh knew who is who.
type Accepted struct {
	By        string `json:"by,omitempty"`   // name of who saved it; absent of what was there before
	Role      Role   `json:"role,omitempty"` // that one had
	Operator  string `json:"operator"`       // DER of the operator's certificate, base64
	Signature string `json:"signature"`      // by the operator's key, as in a Proof
}

// Text is what the authority signs; proof is the header beside it.
func (a Accepted) Text(subject, operation, proof string, data []byte) ([]byte, error) {
	return signedText(data, "netmon-accepted-1", subject, operation, a.By, string(a.Role), proof)
}

// What an object that holds a saved configuration says of itself. The proof is
// for the subject that NATS keeps it under, over the digest of the content.
const (
	SetAuthor   = "author"
	SetMonitors = "monitors" // how many
	SetProof    = "proof"    // a Proof
)

// SetOperation is what the proof of a configuration is for.
func SetOperation(deleted bool) string {
	if deleted {
		return "DEL"
	}
	return ""
}

// Text is what the authority signs of a credential for a key: a server in other
// hands must not make somebody believe another one.
func (c Credential) Text(key string) ([]byte, error) {
	c.Operator, c.Signature = "", ""
	data, err := json.Marshal(c) // #nosec G117 -- no secret: it is worth nothing without the key's seed
	if err != nil {
		return nil, err
	}
	return signedText(data, "netmon-credential-1", key)
}

// Member is somebody whose commands count.
type Member struct {
	Key  string `json:"key"`  // public NKey
	Name string `json:"name"` // of the identity
	Role Role   `json:"role"` // operator, admin or controller
}

// Trust is the list of those whose commands count. A key that is not on it
// commands nobody.
type Trust struct {
	Number  uint64   `json:"number"`  // a later list has a higher one
	Members []Member `json:"members"` // by key
	// Next is the fingerprint of the authority that takes over; absent where none does.
	Next string `json:"next,omitempty"`
}

// SignedTrust is a Trust as the authority gives it out.
type SignedTrust struct {
	Operator  string `json:"operator"`  // DER of the operator's certificate, by the mesh's certificate authority, base64
	Trust     string `json:"trust"`     // the Trust, as JSON, exactly as it was signed
	Signature string `json:"signature"` // by the operator's key, as in a Proof
}

// Text is what the authority signs.
func (t SignedTrust) Text() ([]byte, error) { return signedText([]byte(t.Trust), "netmon-trust-1") }

// notText begins all that is signed. The keys that sign also answer the nonces
// of NATS servers, which clients read out of JSON: such a nonce is valid UTF-8,
// whatever a server sends, and never begins with this byte. So no server gets
// something signed by asking for it in the place of a nonce.
const notText = "\xff"

// signedText puts lines before data.
func signedText(data []byte, lines ...string) ([]byte, error) {
	if slices.ContainsFunc(lines, func(s string) bool { return strings.ContainsAny(s, "\r\n") }) {
		return nil, errors.New("what is signed has a line break where there may be none")
	}
	return append([]byte(notText+strings.Join(lines, "\n")+"\n\n"), data...), nil
}

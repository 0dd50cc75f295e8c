package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Sender sends by one channel, configured. Send is called one at a time for an
// incident, and from several goroutines for several. It obeys ctx, retries nothing
// itself, and starts nothing that outlives it.
//
// A nil error means that the other side took it. A [*Refusal] means that it never will,
// a [*Later] when to ask again; any other error is tried again. [Env.Do] makes all of
// them of an HTTP answer.
type Sender interface {
	// Validate reports every mistake in the settings, by their names.
	Validate() error
	// To is where it sends to: URLs or HOST:PORT, in which references to secrets may
	// stand. None is nowhere beyond this host.
	To() []Text
	Send(ctx context.Context, env *Env, m *Message) (Receipt, error)
}

// Resender is a Sender whose other side forgets: what is wrong is sent to it again, as
// it is then, once it took a notice of it.
type Resender interface {
	Sender
	// Resend is how often, and for how long what is over is sent still.
	Resend() (every, over time.Duration)
}

// Receipt is what the other side said.
type Receipt struct {
	Answer  string // in short, for people
	Thread  string // the service's own name for what was sent, which the next message about the incident has; "" leaves the previous one
	Mistake string // in the channel's own templates, in place of which the default was sent; "" for none
}

// Refusal is an answer that asking again does not change.
type Refusal struct{ Err error }

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Refuse makes a Refusal.
func Refuse(format string, args ...any) error { return &Refusal{fmt.Errorf(format, args...)} }

// Later is an answer that says when to ask again, such as 429 with Retry-After.
type Later struct {
	Err   error
	After time.Duration
}

func (l *Later) Error() string { return l.Err.Error() }
func (l *Later) Unwrap() error { return l.Err }

// readier is a Sender that can say beforehand whether this host lets it send.
type readier interface{ ready(folder string) error }

// Message is what is to be sent: an incident, and why now. Its texts are plain, in
// UTF-8, without control characters but line feeds; a kind escapes them for its format.
type Message struct {
	Incident wire.Incident
	Notice   wire.Notice
	Title    string   // one line
	Text     string   // Head and Members, a line each; at most the kind's MaxText bytes
	Head     []string // lines: what, since when, whose fault, who acknowledged it; never cut
	Members  []string // a line for each thing that is wrong, the worst first, then for what is good again; nil where the channel has a template of its own
	Link     string   // to a page about it; "" while there is none
	Thread   string   // from the last Receipt of this channel and incident; "" for the first
	Mesh     string   // which mesh sends it
	At       time.Time
	Zone     *time.Location // that times are written in; nil is UTC

	mistakes []string // in templates, by the field
}

// Resolved says that it is over; Key names the message: one that comes twice has the same.
func (m *Message) Resolved() bool { return m.Incident.State == wire.IncidentResolved }

func (m *Message) zone() *time.Location {
	if m.Zone == nil {
		return time.UTC
	}
	return m.Zone
}

// Key is that of the notice.
func (m *Message) Key() string { return m.Notice.Key() }

// Test says that somebody tries the channel: the incident is invented.
func (m *Message) Test() bool { return m.Notice.Reason == wire.ReasonTest }

// Kind is a kind of channel.
type Kind struct {
	Name    string
	Summary string // one line, for the list
	MaxText int    // most bytes of Message.Text
	Quiet   bool   // it gets no notices

	new    func(settings json.RawMessage) (Sender, error)
	fields []Field

	defaults any
}

// Defaults is a struct of the kind's settings, each at its default, for who describes
// their form.
func (k Kind) Defaults() any { return k.defaults }

// Required are the settings that have to be given.
func (k Kind) Required() (names []string) {
	v := reflect.ValueOf(k.defaults)
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" && !strings.Contains(options, "omit") && v.Field(i).IsZero() {
			names = append(names, name)
		}
	}
	return names
}

// CommonSettings is what Defaults is, of the settings that every kind has.
func CommonSettings() any { return common{} }

// New reads the settings of a channel, strictly, and reports every mistake.
func (k Kind) New(settings json.RawMessage) (Sender, error) { return k.new(settings) }

// Fields are the kind's settings: the json names and help tags of its struct.
func (k Kind) Fields() []Field { return k.fields }

// quiet sets Quiet.
func (k Kind) quiet() Kind {
	k.Quiet = true
	return k
}

// maxText bounds the text for kinds without a bound of their own, maxTitle that of all.
const (
	maxText  = 256 << 10
	maxTitle = 300
)

// newKind makes a kind of a struct of settings with json and help tags, whose pointer
// is a Sender; defaults is what is absent from a channel's settings. Lists and maps in
// defaults are shared by all channels: nobody writes into them.
func newKind[T any, S interface {
	*T
	Sender
}](name, summary string, defaults T) Kind {
	return Kind{Name: name, Summary: summary, MaxText: maxText, fields: fieldsOf(defaults), defaults: defaults, new: func(settings json.RawMessage) (Sender, error) {
		v := defaults
		var p wire.Problems
		p.Add("", wire.DecodeStrict(settings, &v))
		told := map[string]bool{} // a value that could not be read is not there, which would be sent again
		for _, e := range wire.FieldErrors(p.Err()) {
			told[e.Path] = true
		}
		for _, e := range wire.FieldErrors(S(&v).Validate()) {
			if !told[e.Path] {
				p.Add("", e)
			}
		}
		return S(&v), wire.AsWrittenIn(p.Err(), settings)
	}}
}

// FindKind is the kind of a name.
func FindKind(name string) (Kind, bool) {
	all := Kinds()
	i := slices.IndexFunc(all, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return all[i], true
}

// Check says what is wrong with a channel by the rules of its kind.
func Check(c *wire.Channel) error {
	_, err := build(c)
	return err
}

// channel is a saved channel, ready.
type channel struct {
	saved  wire.Channel
	kind   Kind
	sender Sender
	common common
	texts  *texts
	refs   []string // references to secrets in its settings
}

// build makes a channel of its settings. The error holds every mistake.
func build(c *wire.Channel) (*channel, error) {
	var p wire.Problems
	p.Add("", c.Validate())
	kind, ok := FindKind(c.Kind)
	if !ok {
		p.Add("kind", wire.Unknown("kind", c.Kind, kindNames()))
		return nil, p.Err()
	}
	out := &channel{saved: *c, kind: kind}
	own := maps.Clone(c.Settings)
	shared := map[string]json.RawMessage{}
	for _, f := range commonFields() {
		if v, ok := own[f.Name]; ok {
			shared[f.Name] = v
			delete(own, f.Name)
		}
	}
	p.Add("", wire.DecodeStrict(object(shared), &out.common))
	var err error
	out.texts, err = out.common.prepare()
	p.Add("", err)
	out.sender, err = kind.New(object(own))
	p.Add("", err)
	if err := p.Err(); err != nil {
		return nil, err
	}
	out.refs = references(out.sender)
	return out, nil
}

func object(fields map[string]json.RawMessage) json.RawMessage {
	return (&wire.Channel{Settings: fields}).Own()
}

func kindNames() (out []string) {
	for _, k := range Kinds() {
		out = append(out, k.Name)
	}
	return out
}

package wire

import (
	"encoding/json"
	"strconv"
	"time"
)

// Reason is why a channel is notified of an incident.
type Reason string

const (
	ReasonOpened       Reason = "opened"       // the first notice of it
	ReasonChanged      Reason = "changed"      // what is wrong has changed
	ReasonAcknowledged Reason = "acknowledged" // somebody acknowledged it
	ReasonRepeated     Reason = "repeated"     // nothing changed, and it is still wrong
	ReasonEscalated    Reason = "escalated"    // nobody acknowledged it
	ReasonUnmuted      Reason = "unmuted"      // a mute ended, and this is true now
	ReasonFlapping     Reason = "flapping"     // it comes and goes; the next notice comes when it is still
	ReasonFallback     Reason = "fallback"     // another channel could not be notified
	ReasonResolved     Reason = "resolved"     // it is over
	ReasonTest         Reason = "test"         // somebody tries the channel
)

// Notice says that a channel is to be notified of an incident, on
// notices.<channel>.<incident>: the newest replaces the previous one, and whoever sends
// it is about the incident as it is then.
type Notice struct {
	Channel  string    `json:"channel"`            // the second token of the subject
	Incident string    `json:"incident"`           // the third token of the subject
	N        uint64    `json:"n"`                  // counts the notices of the channel about the incident
	Reason   Reason    `json:"reason"`             // why now
	Of       uint64    `json:"of"`                 // the incident's N that it is about: one that is shown already is not sent again
	At       time.Time `json:"at"`                 // when it was decided, by the broker's clock, UTC
	Fallback string    `json:"fallback,omitempty"` // the channel that could not be notified
	Rule     string    `json:"rule,omitempty"`     // that chose the channel
}

// Key names a notice for whoever receives it: one that comes twice has the same.
func (n *Notice) Key() string { return n.Incident + "-" + n.Channel + "-" + utoa(n.N) }

// SendOutcome is what became of a notice.
type SendOutcome string

const (
	Sent        SendOutcome = "sent"        // the other side took it
	Retrying    SendOutcome = "retrying"    // it did not, for now
	Undelivered SendOutcome = "undelivered" // it did not, and is not asked again
)

// Delivery is what became of the newest notice of a channel about an incident, on
// deliveries.<channel>.<incident>, by the notifier.
type Delivery struct {
	Channel  string      `json:"channel"`          // the second token of the subject
	Incident string      `json:"incident"`         // the third token of the subject
	N        uint64      `json:"n"`                // of the notice
	Key      string      `json:"key"`              // of the notice
	Shown    uint64      `json:"shown,omitempty"`  // sent: the incident's N that it was about
	Outcome  SendOutcome `json:"outcome"`          // sent, retrying or undelivered
	Attempts int         `json:"attempts"`         // so far
	First    time.Time   `json:"first"`            // of the first attempt, UTC
	At       time.Time   `json:"at"`               // of this outcome, by the notifier's clock, UTC
	Next     time.Time   `json:"next,omitzero"`    // retrying: of the next attempt, UTC
	Error    string      `json:"error,omitempty"`  // for people, without secrets; sent: what is wrong with the templates of the channel
	Answer   string      `json:"answer,omitempty"` // what the other side said, in short
	Thread   string      `json:"thread,omitempty"` // the service's own name for what was sent, which the next one refers to
	Kind     string      `json:"kind,omitempty"`   // of the channel, whose service the thread is of
	By       string      `json:"by"`               // the notifier's host
}

// MaxDelivery bounds a Delivery and a ChannelStatus, bytes: the broker takes no longer one.
const MaxDelivery = 4 << 10

// Fit cuts texts so that it is no longer than MaxDelivery. What the next message needs comes first.
func (d *Delivery) Fit() {
	d.Thread = ClipJSON(d.Thread, MaxText*3/4)
	short := *d
	short.Error, short.Answer = "", ""
	data, err := json.Marshal(short)
	if err != nil { // plain fields can be written
		return
	}
	room := MaxDelivery - len(data) - len(`"error":"","answer":"",`)
	d.Error = ClipJSON(d.Error, min(MaxText, room))
	d.Answer = ClipJSON(d.Answer, min(MaxText, room-jsonLen(d.Error)))
}

// NoticeRepeats is for how long the broker knows a notice again by its Key, which is its
// Nats-Msg-Id: what the leader repeats meanwhile is there once.
const NoticeRepeats = 2 * time.Minute

// ChannelStatus is how a channel is, on channels.<name>, by the notifier that has it.
type ChannelStatus struct {
	Channel  string    `json:"channel"`            // the second token of the subject
	By       string    `json:"by"`                 // the notifier's host
	At       time.Time `json:"at"`                 // UTC; every ChannelStatusEvery, and when it changes
	Ready    bool      `json:"ready"`              // it could be notified now, as far as the notifier knows
	Problem  string    `json:"problem,omitempty"`  // why not: a secret that is missing, what the policy denies, the last error; or what is wrong with its templates
	Backlog  int       `json:"backlog"`            // notices that wait
	LastSent time.Time `json:"last_sent,omitzero"` // UTC
	LastFail time.Time `json:"last_fail,omitzero"` // UTC
	Sent     uint64    `json:"sent"`               // since the notifier began
	Failed   uint64    `json:"failed,omitempty"`   // attempts since the notifier began
	Revision uint64    `json:"revision"`           // of the saved channel
}

// How often a notifier reports its channels, and after how long without a report nobody
// sends for a channel.
const (
	ChannelStatusEvery = 10 * time.Second
	ChannelSilentAfter = 3 * ChannelStatusEvery
)

// NotifyCommand is a request on notify.<channel>.cmd, answered by the notifier that has
// the channel.
type NotifyCommand struct {
	Op string `json:"op"` // test: send a notice that says that it is one
	By string `json:"by"` // who asks, for the text
}

// NotifyReply is the answer.
type NotifyReply struct {
	Channel string      `json:"channel"`          // its name
	By      string      `json:"by"`               // the notifier's host
	Outcome SendOutcome `json:"outcome"`          // sent or undelivered
	TookNS  int64       `json:"took_ns"`          // nanoseconds
	Answer  string      `json:"answer,omitempty"` // what the other side said
	Error   string      `json:"error,omitempty"`  // for people; no secret is in it
}

// NoticeSubject is where a notice goes.
func NoticeSubject(channel, incident string) (string, error) {
	return two("notices.", "channel name", channel, "incident id", incident)
}

// DeliverySubject is where the outcome of a notice goes.
func DeliverySubject(channel, incident string) (string, error) {
	return two("deliveries.", "channel name", channel, "incident id", incident)
}

// ChannelSubject is where the status of a channel goes.
func ChannelSubject(channel string) (string, error) { return one("channels.", "channel name", channel) }

// NotifySubject is where the notifier of a channel takes requests.
func NotifySubject(channel string) (string, error) {
	subject, err := one("notify.", "channel name", channel)
	return subject + ".cmd", err
}

// DecodeNotice reads a notice that came on subject.
func DecodeNotice(subject string, data []byte) (Notice, error) {
	var v Notice
	if err := decodeAs("the notice", subject, data, MaxVerdict, &v); err != nil {
		return Notice{}, err
	}
	return v, belongs(subject, v.Incident, func(id string) (string, error) { return NoticeSubject(v.Channel, id) })
}

// DecodeDelivery reads the outcome of a notice that came on subject.
func DecodeDelivery(subject string, data []byte) (Delivery, error) {
	var v Delivery
	if err := decodeAs("the delivery", subject, data, MaxVerdict, &v); err != nil {
		return Delivery{}, err
	}
	return v, belongs(subject, v.Incident, func(id string) (string, error) { return DeliverySubject(v.Channel, id) })
}

// DecodeChannelStatus reads the status of a channel that came on subject.
func DecodeChannelStatus(subject string, data []byte) (ChannelStatus, error) {
	var v ChannelStatus
	if err := decodeAs("the channel's status", subject, data, MaxVerdict, &v); err != nil {
		return ChannelStatus{}, err
	}
	return v, belongs(subject, v.Channel, ChannelSubject)
}

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }

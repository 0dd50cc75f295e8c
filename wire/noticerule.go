package wire

import (
	"fmt"
	"time"
)

// NoticeRule says which channels are notified of what. All rules that fit an incident count;
// one whose match is empty is for what no other rule fits. Where no rule is saved, every
// channel that is no other's fallback is notified of everything.
type NoticeRule struct {
	Name     string       `json:"name"`                       // a token
	Match    Match        `json:"match,omitzero"`             // what it is for; absent is what no other rule fits
	To       []string     `json:"to"`                         // channels; [] is nobody
	Wait     Duration     `json:"wait,omitempty" zero:"no"`   // before the first notice; default by severity
	Update   Duration     `json:"update,omitempty" zero:"no"` // at least, between notices of changes; default 5m
	Repeat   Duration     `json:"repeat,omitempty" zero:"no"` // between notices while nothing changes; default by severity
	Escalate []Escalation `json:"escalate,omitempty"`         // who is notified where nobody acknowledges it
	Saving
}

// DefaultUpdate is the least time between notices of changes. What got worse, and the
// end, do not wait for it.
const DefaultUpdate = 5 * time.Minute

// Escalation notifies others, a time after the incident began.
type Escalation struct {
	After Duration `json:"after"` // counted from when the incident was decided
	To    []string `json:"to"`    // channels
}

func (r *NoticeRule) Sort() Sort          { return SortRule }
func (r *NoticeRule) SettingName() string { return r.Name }

// Validate reports every mistake. Whether the channels exist is for who knows them.
func (r *NoticeRule) Validate() error {
	var p Problems
	p.Add("name", CheckToken(r.Name))
	p.Add("match", r.Match.Validate())
	p.Add("", checkNames("to", r.To))
	for _, t := range []struct {
		field string
		d     Duration
	}{{"wait", r.Wait}, {"update", r.Update}, {"repeat", r.Repeat}} {
		if t.d != 0 && (t.d < Duration(time.Second) || t.d > MaxNoticeTime) {
			p.Addf(t.field, "want %v to %v, got %q", Duration(time.Second), MaxNoticeTime, t.d)
		}
	}
	for i, e := range r.Escalate[:min(len(r.Escalate), MaxEscalations)] {
		at := fmt.Sprintf("escalate[%d]", i)
		if e.After < Duration(time.Second) || e.After > MaxNoticeTime {
			p.Addf(at+".after", "want %v to %v, got %q", Duration(time.Second), MaxNoticeTime, e.After)
		}
		if len(e.To) == 0 {
			p.Addf(at+".to", "is empty: want channels")
		}
		p.Add("", checkNames(at+".to", e.To))
	}
	if len(r.Escalate) > MaxEscalations {
		p.Addf("escalate", "has %d steps: want at most %d", len(r.Escalate), MaxEscalations)
	}
	p.Add("", r.check())
	return p.Err()
}

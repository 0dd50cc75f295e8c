package wire

import (
	"encoding/json"
	"reflect"
	"time"
)

// alertSamples holds one of each message about incidents and who is notified of them.
func alertSamples() map[string]any {
	at := time.Date(2026, 11, 30, 11, 37, 34, 735225151, time.UTC)
	blame := &Blame{Class: BlameTarget, Sure: true, Why: "all that can measure it are refused"}
	why := "refused from 3 of 3 agents"
	saved := Saving{Revision: 41, Edition: 3, Author: "ann@desk", Change: "the shop is theirs"}
	incident := Incident{
		ID: "gateway-9b1c52f0a7e3d418", State: IncidentOpen, Severity: SeverityDown, Cause: Cause{What: CauseParent, Name: "gateway"},
		Summary: "gateway is down: refused from 3 of 3 agents (target); web depends on it", Opened: at, Decided: at.Add(2 * time.Second), At: at.Add(10 * time.Minute), Joined: at.Add(3 * time.Second), N: 7,
		Blame: blame,
		Members: []IncidentMember{
			{About: AboutMonitor, Name: "gateway", Severity: SeverityDown, Since: at, Why: why, Blame: blame, N: 12, Flaps: true, Muted: []string{"deploy"}},
			{About: AboutMonitor, Name: "web", Severity: SeverityUnknown, Since: at.Add(time.Second), Until: at.Add(time.Minute), Why: "gateway is down", Blame: &Blame{Class: BlameParent, Names: []string{"gateway"}, Sure: true, Why: "gateway is down"}, N: 13},
		},
		More: 1, Rest: "9ZmP3T", Good: 1, Ack: &Ack{By: "ann@desk", At: at.Add(5 * time.Minute), Text: "I look at it", Severity: SeverityDown},
		Muted: []string{"deploy"}, Flaps: true, Marks: Marks{Changed: 3, Flapped: 4, Still: 2, Unmuted: 1, Acked: 6},
		Channels: []ChannelState{{Channel: "mail", N: 2, Reason: ReasonFallback, Decided: at.Add(5 * time.Minute), Of: 6, Notified: true, Outcome: Undelivered, Delivered: 2, Shown: 3, At: at.Add(6 * time.Minute),
			Error: "550 no such user", Severity: SeverityDown, Fallback: "hook", Rule: "shop", Escalated: 15 * time.Minute},
			{Channel: "hook", N: 3, Reason: ReasonChanged, Decided: at.Add(5 * time.Minute), Of: 6, Unheard: at, Severity: SeverityDown},
			{Channel: "old", N: 1, Reason: ReasonOpened, Decided: at, Of: 1, Notified: true, Outcome: Sent, Delivered: 1, Shown: 1, At: at, Severity: SeverityDown, Deleted: true}},
		Log: []Entry{{At: at.Add(2 * time.Second), What: EntryOpened, Text: "gateway: " + why}, {At: at.Add(5 * time.Minute), What: EntryAcknowledged, By: "ann@desk", Text: "ann@desk takes care of it: I look at it"}},
	}
	merged := Incident{ID: "db-17", State: IncidentMerged, Severity: SeverityDown, Cause: Cause{What: CauseMonitor, Name: "db"}, Summary: "it continues as part of web-4", Opened: at, Decided: at, At: at, Joined: at, N: 2, Into: "web-4",
		Members: []IncidentMember{}, Log: []Entry{{At: at, What: EntryMerged, Text: "it continues as part of web-4"}}}
	resolved := Incident{ID: "db-18", State: IncidentResolved, Severity: SeverityDown, Cause: Cause{What: CauseMonitor, Name: "db"}, Summary: "db is up again after 1m", Opened: at, Decided: at, At: at.Add(time.Minute), Joined: at,
		Resolved: at.Add(time.Minute), N: 5, Marks: Marks{Changed: 4, Ended: 4}, Good: 1,
		Members: []IncidentMember{{About: AboutMonitor, Name: "db", Severity: SeverityDown, Since: at, Until: at.Add(time.Minute), Why: why, N: 3}}, Log: []Entry{{At: at.Add(time.Minute), What: EntryResolved, Text: "db is up again after 1m"}}}
	match := Match{Monitors: []string{"web*"}, Groups: []string{"store"}, Agents: []string{"paris"}, Tags: map[string]string{"team": "shop"}, Kinds: []string{"https"}, Blame: []BlameClass{BlameTarget}, Severity: []Severity{SeverityDown}}
	return map[string]any{
		"incident":          incident,
		"incident-merged":   merged,
		"incident-resolved": resolved,
		"trouble": Trouble{About: AboutCertificate, Name: "web", Wrong: true, Since: at, At: at, N: 1, Incident: "web-certificate-1", Why: "the certificate of web expires in 13 days", Expires: at.AddDate(0, 0, 13),
			Severity: SeverityCertificate, Evidence: "paris-E6TGUCZCDN434QQK-4712"},
		"verdict-group": GroupVerdict{Group: "store", State: VerdictDegraded, Was: VerdictUp, Since: at, At: at.Add(time.Second), N: 4, Incident: "store-1c52f0a7e3d4189b", Why: "1 of 4 is down: web; it takes 4",
			Down: []string{"web"}, Degraded: []string{"api"}, Unknown: []string{"db"}, Up: []string{"cdn"}, Flapping: true, Revision: 41},
		"notice": Notice{Channel: "hook", Incident: incident.ID, N: 2, Reason: ReasonFallback, Of: 6, At: at, Fallback: "mail", Rule: "shop"},
		"delivery": Delivery{Channel: "hook", Incident: incident.ID, N: 2, Key: incident.ID + "-hook-2", Outcome: Retrying, Attempts: 3, First: at, At: at.Add(15 * time.Second), Next: at.Add(35 * time.Second),
			Error: "503 Service Unavailable", By: "web1"},
		"delivery-sent":  Delivery{Channel: "hook", Incident: incident.ID, N: 2, Key: incident.ID + "-hook-2", Shown: 7, Outcome: Sent, Attempts: 4, First: at, At: at.Add(35 * time.Second), Answer: "200 OK", Thread: "1732880254.735", Kind: "slack", By: "web1"},
		"channel-status": ChannelStatus{Channel: "hook", By: "web1", At: at, Ready: true, Problem: "503 Service Unavailable", Backlog: 2, LastSent: at.Add(-time.Hour), LastFail: at, Sent: 40, Failed: 3, Revision: 41},
		"notify-command": NotifyCommand{Op: "test", By: "ann@desk"},
		"notify-reply":   NotifyReply{Channel: "hook", By: "web1", Outcome: Undelivered, TookNS: 31e6, Answer: "404 Not Found", Error: "404 Not Found"},
		"channel": &Channel{Name: "hook", Kind: "webhook", Fallback: "mail", Paused: true, Saving: saved,
			Settings: map[string]json.RawMessage{"url": json.RawMessage(`"https://hooks.example.org/netmon"`), "secret": json.RawMessage(`"${env:NETMON_SECRET_HOOK}"`)}},
		"rule": NoticeRule{Name: "shop", Match: match, To: []string{"hook"}, Wait: Duration(20 * time.Second), Update: Duration(10 * time.Minute), Repeat: Duration(time.Hour),
			Escalate: []Escalation{{After: Duration(15 * time.Minute), To: []string{"mail"}}}, Saving: saved},
		"window-weekly": Window{Name: "patch-night", Match: Match{Tags: map[string]string{"env": "prod"}}, Weekly: "Sun 02:00-04:00", Zone: "Europe/Oslo", Saving: saved},
		"window-cron":   Window{Name: "backup", Cron: "0 2 * * sun", For: Duration(2 * time.Hour)},
		"window-once":   Window{Name: "move", From: at, To: at.Add(time.Hour)},
		"silence":       Silence{ID: "K3D7NQZJ5M2TQW6Z", Match: match, From: at, Until: at.Add(2 * time.Hour), Text: "deploy", Saving: saved},
		"ack":           Acknowledgement{Incident: incident.ID, At: at, Text: "I look at it", Saving: saved},
		"group":         Group{Name: "store", Of: []string{"web", "api"}, Rule: "all", Saving: saved},
	}
}

// alertMessages are their types. A channel has the settings of its kind beside its own.
func alertMessages() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[Incident](), reflect.TypeFor[Cause](), reflect.TypeFor[IncidentMember](), reflect.TypeFor[Ack](), reflect.TypeFor[Marks](), reflect.TypeFor[ChannelState](), reflect.TypeFor[Entry](),
		reflect.TypeFor[Trouble](), reflect.TypeFor[GroupVerdict](), reflect.TypeFor[Notice](), reflect.TypeFor[Delivery](), reflect.TypeFor[ChannelStatus](), reflect.TypeFor[NotifyCommand](), reflect.TypeFor[NotifyReply](),
		reflect.TypeFor[channelForm](), reflect.TypeFor[NoticeRule](), reflect.TypeFor[Match](), reflect.TypeFor[Escalation](), reflect.TypeFor[Window](), reflect.TypeFor[Silence](), reflect.TypeFor[Acknowledgement](), reflect.TypeFor[Group](), reflect.TypeFor[Saving](),
	}
}

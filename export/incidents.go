package export

import (
	"time"

	"netmon/console"
	"netmon/wire"
)

// writeIncidents writes the open incidents.
func writeIncidents(w *Writer, list console.IncidentList) {
	w.Family("netmon_incidents_open", "How many incidents are open.", Gauge)
	w.Sample(nil, float64(list.Open))
	each := func(name, help string, number func(x *wire.Incident) float64) {
		w.Family(name, help, Gauge)
		for _, x := range list.All {
			if x.State == wire.IncidentOpen {
				w.Sample(Labels{{"incident", x.ID}}, number(x))
			}
		}
	}
	w.Family("netmon_incident_open", "1 for each incident that is open.", Gauge)
	for _, x := range list.All {
		if x.State != wire.IncidentOpen {
			continue
		}
		blame := ""
		if x.Blame != nil {
			blame = string(x.Blame.Class)
		}
		w.Sample(Labels{{"blame", blame}, {"cause", string(x.Cause.What)}, {"incident", x.ID}, {"name", x.Cause.Name}, {"severity", string(x.Severity)}}, 1)
	}
	each("netmon_incident_opened_timestamp_seconds", "When an open incident began, in seconds since 1970.", func(x *wire.Incident) float64 { return seconds(x.Opened) })
	each("netmon_incident_acknowledged", "Whether somebody acknowledged an open incident.", func(x *wire.Incident) float64 { return truth(x.Ack != nil) })
	each("netmon_incident_muted", "Whether silences or windows mute all of an open incident.", func(x *wire.Incident) float64 { return truth(len(x.Muted) > 0) })
}

// writeChannels writes how channels are. Of one that no notifier reported for a while nobody
// sends for it, and nothing else is known.
func writeChannels(w *Writer, channels []console.ChannelSeen, now time.Time) {
	w.Family("netmon_channel_ready", "Whether a channel could be notified, as far as its notifier knows; 0 where no notifier has it.", Gauge)
	for i := range channels {
		c := &channels[i]
		w.Sample(Labels{{"channel", c.Channel}}, truth(c.Ready && !c.Silent(now)))
	}
	heard := func(do func(c *console.ChannelSeen)) {
		for i := range channels {
			if c := &channels[i]; !c.Silent(now) {
				do(c)
			}
		}
	}
	w.Family("netmon_channel_backlog", "Notices that wait for a channel.", Gauge)
	heard(func(c *console.ChannelSeen) { w.Sample(Labels{{"channel", c.Channel}}, float64(c.Backlog)) })
	w.Family("netmon_notices_total", "Attempts to notify a channel since its notifier began, by what came of them: sent or failed.", Counter)
	heard(func(c *console.ChannelSeen) {
		w.Sample(Labels{{"channel", c.Channel}, {"result", "sent"}}, float64(c.Sent))
		w.Sample(Labels{{"channel", c.Channel}, {"result", "failed"}}, float64(c.Failed))
	})
}

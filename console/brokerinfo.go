package console

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// Kept is one stream or bucket of the broker, and how full it is.
type Kept struct {
	Name     string    `json:"name"`
	Holds    string    `json:"holds"`
	Messages uint64    `json:"messages"`
	Bytes    uint64    `json:"bytes"`                    // before compression, as MaxBytes
	Disk     uint64    `json:"disk_bytes,omitempty"`     // about what they take on disk; 0 is not known
	MaxBytes int64     `json:"max_bytes,omitempty"`      // 0: no bound
	MaxDisk  int64     `json:"max_disk_bytes,omitempty"` // what they should take there; MaxBytes follows their compression
	MaxAgeNS int64     `json:"max_age_ns,omitempty"`
	First    time.Time `json:"first,omitzero"` // when the oldest message came
	Last     time.Time `json:"last,omitzero"`
	Replicas int       `json:"replicas"`
	Shortest *Reach    `json:"shortest,omitempty"` // of results: the monitor that reaches back least
	Problem  string    `json:"problem,omitempty"`
}

// BrokerInfo is the broker as a console sees it.
type BrokerInfo struct {
	URL     string      `json:"url"`
	Server  string      `json:"server"`
	Version string      `json:"version"`
	Cluster string      `json:"cluster,omitempty"`
	RTTNS   int64       `json:"rtt_ns"` // round trip from here
	Leader  *wire.Lease `json:"controller,omitempty"`
	Kept    []Kept      `json:"kept"`

	Files *wire.KeptFiles `json:"files,omitempty"` // that the leading controller keeps what is saved by
}

// Broker asks the broker about itself and what it keeps.
func (c *Client) Broker(ctx context.Context) (BrokerInfo, error) {
	rtt, err := c.nc.RTT()
	if err != nil {
		return BrokerInfo{}, noMesh("ask the broker", err)
	}
	b := BrokerInfo{URL: c.nc.ConnectedUrlRedacted(), Server: c.nc.ConnectedServerName(), Version: c.nc.ConnectedServerVersion(),
		Cluster: c.nc.ConnectedClusterName(), RTTNS: int64(rtt)}
	for _, k := range []struct{ stream, name, holds string }{
		{wire.ResultsStream, "stream " + wire.ResultsStream, "what was measured"},
		{wire.AgentsStream, "stream " + wire.AgentsStream, "the last heartbeats of each agent"},
		{wire.VerdictsStream, "stream " + wire.VerdictsStream, "what the results mean"},
		{wire.HistoryStream, "stream " + wire.HistoryStream, "hours that are over, for two years"},
		{"KV_" + wire.MonitorsBucket, "bucket " + wire.MonitorsBucket, "what should run, with its history"},
		{"KV_" + wire.AlertingBucket, "bucket " + wire.AlertingBucket, "who is notified of what, with its history"},
		{"OBJ_" + wire.ConfigsBucket, "objects " + wire.ConfigsBucket, "saved configurations"},
	} {
		kept := Kept{Name: k.name, Holds: k.holds}
		stream, err := c.open(ctx, k.stream)
		if err != nil {
			if !errors.Is(err, jetstream.ErrStreamNotFound) {
				return b, noMesh("ask the broker", err)
			}
			kept.Problem = "is missing: the controller makes it"
			b.Kept = append(b.Kept, kept)
			continue
		}
		info := stream.CachedInfo()
		kept.Messages, kept.Bytes = info.State.Msgs, info.State.Bytes
		kept.MaxDisk, _ = strconv.ParseInt(info.Config.Metadata[wire.SizeKey], 10, 64) // 0 where nobody says it
		kept.MaxBytes, kept.MaxAgeNS, kept.Replicas = max(0, info.Config.MaxBytes), int64(info.Config.MaxAge), info.Config.Replicas
		if info.State.Msgs > 0 {
			kept.Disk = onDisk(info)
			kept.First, kept.Last = info.State.FirstTime.UTC(), info.State.LastTime.UTC()
		}
		if k.stream == wire.ResultsStream && kept.Messages > 0 {
			if kept.Shortest, err = c.shortest(ctx, stream); err != nil {
				return b, noMesh("ask the broker how far back results go", err)
			}
		}
		b.Kept = append(b.Kept, kept)
	}
	if lease, err := c.open(ctx, "KV_"+wire.ControlBucket); err == nil {
		if m, err := c.last(ctx, lease, "$KV."+wire.ControlBucket+"."+wire.LeaderKey); err == nil {
			var l wire.Lease
			if json.Unmarshal(m.Data, &l) == nil {
				b.Leader = &l
			}
		}
		b.Files = c.keptFiles(ctx, lease)
	}
	return b, nil
}

package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/wire"

	"github.com/nats-io/nats.go/jetstream"
)

// Limits of what is kept. A zero field leaves a stream that exists as it is,
// and means the default for a new one.
type Limits struct {
	ResultsAge   time.Duration // results older than this go
	ResultsBytes int64         // of all results; the oldest go first
	PerMonitor   int64         // results of one monitor on one agent; the oldest go first
	Replicas     int           // servers of a cluster that hold each message

	// Watched says that [Broker.AdjustLimit] looks after the results: ResultsBytes is what they
	// take on disk, and a limit that it raised for their compression stays.
	Watched bool
}

// DefaultLimits keeps a week. A monitor that runs every second keeps all of
// it; one that runs a hundred times a second cannot push out the others.
func DefaultLimits() Limits {
	return Limits{ResultsAge: 7 * 24 * time.Hour, ResultsBytes: 4 << 30, PerMonitor: 700_000, Replicas: 1}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.ResultsAge == 0 {
		l.ResultsAge = d.ResultsAge
	}
	if l.ResultsBytes == 0 {
		l.ResultsBytes = d.ResultsBytes
	}
	if l.PerMonitor == 0 {
		l.PerMonitor = d.PerMonitor
	}
	if l.Replicas == 0 {
		l.Replicas = d.Replicas
	}
	return l
}

// raised is the most that AdjustLimit makes of the limit of the results, bytes; 0 where
// nothing raises it.
func (l Limits) raised() int64 {
	if !l.Watched {
		return 0
	}
	return mostSaved * l.ResultsBytes
}

// Provision makes the streams and the buckets of the mesh where they are
// missing, and brings those that exist up to date. It may be repeated, by
// several processes at once, and works with any NATS server that has JetStream.
//
// It never destroys data: a limit that would delete something stored is not
// applied, and replicas are not taken away. Settings that are not netmon's,
// such as placement, stay. A stream or bucket that netmon
// cannot use, and that cannot be changed, is an error with each setting that
// differs.
//
// A *[KeptError] means that everything is there and in use, but some limits
// are still the old, higher ones. A *[SpaceError] is returned at once.
func Provision(ctx context.Context, js jetstream.JetStream, l Limits) error {
	var errs []error
	var kept KeptError
	var space *SpaceError
	full := l.withDefaults()
	for _, s := range []asset{
		{name: "stream " + wire.ResultsStream, want: resultsConfig(full), asked: resultsConfig(l), raised: l.raised()},
		{name: "stream " + wire.AgentsStream, want: agentsConfig(full), asked: agentsConfig(l), passing: true},
		{name: "stream " + wire.AuditStream, want: auditConfig(full), asked: auditConfig(l)},
		{name: "stream " + wire.VerdictsStream, want: verdictsConfig(full), asked: verdictsConfig(l)},
		{name: "stream " + wire.IncidentsStream, want: incidentsConfig(full), asked: incidentsConfig(l)},
		{name: "stream " + wire.NoticesStream, want: noticesConfig(full), asked: noticesConfig(l)},
		{name: "stream " + wire.HistoryStream, want: historyConfig(full), asked: historyConfig(l)},
		keyValue(js, monitorsConfig(l), monitorsConfig(full)),
		keyValue(js, alertingConfig(l), alertingConfig(full)),
		{name: "object store " + wire.ConfigsBucket, want: objectStream(l), asked: objectStream(l), bucket: true, create: func(ctx context.Context) error {
			_, err := js.CreateObjectStore(ctx, configsConfig(full))
			return err
		}},
	} {
		err := s.provision(ctx, js, &kept)
		var one *SpaceError
		switch {
		case !errors.As(err, &one):
			if err != nil {
				errs = append(errs, err)
			}
		case space == nil:
			space = one
			errs = append(errs, space)
		default:
			space.Short = append(space.Short, one.Short...)
		}
		if errors.Is(err, errNoJetStream) || errors.Is(err, errFewServers) || ctx.Err() != nil {
			break // the others would say the same
		}
	}
	if len(errs) == 0 {
		if err := provisionLease(ctx, js, full); err != nil {
			errs = append(errs, fmt.Errorf("provision bucket %s: %w", wire.ControlBucket, err))
		}
	}
	if len(errs) == 0 && len(kept.Limits) > 0 {
		return &kept
	}
	return errors.Join(errs...)
}

// provisionLease makes the bucket in which one of several controllers, and of
// several notifiers for each channel, is chosen. What is in it lives for a few seconds and is not worth a disk.
func provisionLease(ctx context.Context, js jetstream.JetStream, l Limits) error {
	return persist(ctx, js, func(ctx context.Context) error {
		_, err := js.KeyValue(ctx, wire.ControlBucket)
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			_, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket:      wire.ControlBucket,
				Description: "netmon: which of several controllers leads, and which notifier sends by a channel",
				Storage:     jetstream.MemoryStorage,
				TTL:         wire.LeaseTTL,
				Replicas:    l.Replicas,
			})
			if taken(err) {
				err = nil
			}
		}
		return err
	})
}

// keyValue is the stream under a bucket.
func keyValue(js jetstream.JetStream, asked, full jetstream.KeyValueConfig) asset {
	return asset{name: "bucket " + asked.Bucket, want: bucketStream(asked), asked: bucketStream(asked), bucket: true, create: func(ctx context.Context) error {
		_, err := js.CreateKeyValue(ctx, full)
		return err
	}}
}

// bucketStream is what NATS makes of a bucket, as far as we depend on it.
func bucketStream(c jetstream.KeyValueConfig) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              "KV_" + c.Bucket,
		Description:       c.Description,
		Subjects:          []string{"$KV." + c.Bucket + ".>"},
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardNew,
		MaxMsgsPerSubject: historyKept,
		Replicas:          c.Replicas,
		AllowDirect:       true,
		AllowRollup:       true,
		DenyDelete:        true,
	}
}

// objectStream is what NATS makes of the object store, as far as we depend on it.
func objectStream(l Limits) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        configsStream,
		Description: configsConfig(l).Description,
		Subjects:    []string{"$O." + wire.ConfigsBucket + ".C.>", "$O." + wire.ConfigsBucket + ".M.>"},
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		Replicas:    l.Replicas,
		AllowDirect: true,
		AllowRollup: true,
	}
}

// asset is one stream, or the stream under a bucket.
type asset struct {
	name   string                      // for people
	want   jetstream.StreamConfig      // for a new one
	asked  jetstream.StreamConfig      // for one that exists: limits of 0 stay as they are
	create func(context.Context) error // default: CreateStream
	bucket bool                        // nothing may leave it by age; agents cannot write to it
	// passing says that what is in it soon comes again: where its storage is
	// that of an older netmon, it is recreated.
	passing bool
	raised  int64 // a limit of bytes up to this one stays
}

// old says that an older netmon made the stream, which can go.
func (a asset) old(have jetstream.StreamConfig) bool {
	return a.passing && have.Storage != a.want.Storage && slices.Equal(have.Subjects, a.want.Subjects) && strings.HasPrefix(have.Description, "netmon:")
}

// provision makes the stream or brings it up to date.
func (a asset) provision(ctx context.Context, js jetstream.JetStream, kept *KeptError) error {
	create := a.create
	if create == nil {
		create = func(ctx context.Context) error {
			_, err := js.CreateStream(ctx, a.want)
			return err
		}
	}
	err := persist(ctx, js, func(ctx context.Context) error {
		stream, err := js.Stream(ctx, a.want.Name)
		switch {
		case err == nil && a.old(stream.CachedInfo().Config):
			if err := js.DeleteStream(ctx, a.want.Name); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
				return err
			}
		case err == nil:
			return a.update(ctx, js, stream, kept)
		case !errors.Is(err, jetstream.ErrStreamNotFound):
			return err
		}
		err = create(ctx)
		if taken(err) { // somebody else was faster
			if stream, e := js.Stream(ctx, a.want.Name); e == nil {
				return a.update(ctx, js, stream, kept)
			}
		}
		return err
	})
	switch {
	case err == nil:
		return nil
	case outOfSpace(err):
		return a.noSpace(err)
	}
	return a.explain(ctx, js, err)
}

// taken says that the name is in use already.
func taken(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) || errors.Is(err, jetstream.ErrBucketExists)
}

// update changes what differs, and only that.
func (a asset) update(ctx context.Context, js jetstream.JetStream, stream jetstream.Stream, kept *KeptError) error {
	have := stream.CachedInfo()
	if err := a.check(have.Config); err != nil {
		return err
	}
	most := func() uint64 { return mostPerSubject(ctx, stream) }
	next, lowered := a.merge(have, most)
	kept.Limits = append(kept.Limits, lowered...)
	if equal(next, have.Config) {
		return nil
	}
	_, err := js.UpdateStream(ctx, next)
	return err
}

// equal compares what merge may change.
func equal(a, b jetstream.StreamConfig) bool {
	return a.Description == b.Description && slices.Equal(a.Subjects, b.Subjects) && a.Discard == b.Discard &&
		a.MaxAge == b.MaxAge && a.MaxBytes == b.MaxBytes && a.MaxMsgsPerSubject == b.MaxMsgsPerSubject && a.MaxMsgSize == b.MaxMsgSize &&
		a.Replicas == b.Replicas && a.Duplicates == b.Duplicates && a.Compression == b.Compression && a.AllowDirect == b.AllowDirect && a.AllowRollup == b.AllowRollup &&
		a.AllowAtomicPublish == b.AllowAtomicPublish
}

package push

import (
	"encoding/binary"
	"strings"

	"netmon/export"
	"netmon/probes"
	"netmon/wire"
)

// latencyHistogram is the metric of how latencies are spread.
const latencyHistogram = "netmon_latency_histogram_seconds"

// otlpEncoder makes requests of OTLP. It reuses what it can.
type otlpEncoder struct {
	reader  *export.Reader
	series  *cache[otlpSeries]
	scope   []byte
	agents  map[string]*otlpAgent
	used    []*otlpAgent
	hists   []*otlpSeries
	samples []export.Sample
	body    []byte
	scratch []byte
}

// otlpAgent is what one agent measured in a batch.
type otlpAgent struct {
	resource []byte
	metrics  map[string]*otlpMetric
	used     []*otlpMetric
}

// otlpMetric is one gauge, or the histogram, with the points of a batch.
type otlpMetric struct {
	head   []byte // its name and unit
	points []byte // as fields of the gauge or the histogram
	hist   bool
}

// otlpSeries is a monitor on an agent.
type otlpSeries struct {
	agent  string
	labels export.Labels
	slots[otlpPoint]
	spread spread
	attrs  []byte // of the histogram
}

// otlpPoint is a sample of a series: where its points go, with their attributes.
type otlpPoint struct {
	metric *otlpMetric
	agent  *otlpAgent
	attrs  []byte
}

func newOTLPEncoder(kinds probes.List, tags *Tags, version string) otlpEncoder {
	scope := appendBytes(nil, 1, appendString(appendString(nil, 1, "netmon"), 2, version))
	return otlpEncoder{reader: export.NewReader(kinds), scope: scope, agents: map[string]*otlpAgent{},
		series: newCache(tags, func(l export.Labels) otlpSeries {
			return otlpSeries{agent: valueOf(l, "agent"), labels: l, attrs: attributes(nil, 1, l)}
		})}
}

func valueOf(l export.Labels, name string) string {
	for _, x := range l {
		if x.Name == name {
			return x.Value
		}
	}
	return ""
}

// attribute is a KeyValue with a text.
func attribute(b []byte, field int, key, value string) []byte {
	inner := appendString(nil, 1, value)
	return appendBytes(b, field, appendBytes(appendString(nil, 1, key), 2, inner))
}

func attributes(b []byte, field int, l export.Labels) []byte {
	for _, x := range l {
		b = attribute(b, field, x.Name, x.Value)
	}
	return b
}

// resourceOf is what an agent is to OpenTelemetry.
func resourceOf(agent string) []byte {
	r := attribute(nil, 1, "service.name", "netmon")
	if agent != "" {
		r = attribute(attribute(r, 1, "service.instance.id", agent), 1, "agent", agent)
	}
	return r
}

func (o *otlpEncoder) agent(name string) *otlpAgent {
	a := o.agents[name]
	if a == nil {
		a = &otlpAgent{resource: resourceOf(name), metrics: map[string]*otlpMetric{}}
		o.agents[name] = a
	}
	return a
}

func (a *otlpAgent) metric(name string, hist bool) *otlpMetric {
	m := a.metrics[name]
	if m == nil {
		m = &otlpMetric{head: appendString(nil, 1, name), hist: hist}
		if strings.HasSuffix(name, "_seconds") { // any other unit is added to the name by Prometheus
			m.head = appendString(m.head, 3, "s")
		}
		a.metrics[name] = m
	}
	return m
}

// metrics is the request for /v1/metrics, valid until the next call; empty where the batch
// has no sample.
func (o *otlpEncoder) metrics(b *Batch) []byte {
	o.series.begin(b)
	if len(o.agents) > seriesMost/100 {
		clear(o.agents)
		clear(o.series.all)
	}
	o.used, o.hists = o.used[:0], o.hists[:0]
	for _, r := range b.Results {
		of := o.series.of(r)
		o.samples = o.reader.Samples(o.samples[:0], &r.Result)
		for i := range o.samples {
			s := &o.samples[i]
			p := of.of(i, s, func(s *export.Sample) *otlpPoint { return o.newPoint(of, s) })
			o.use(p.agent, p.metric)
			p.metric.points = appendPoint(p.metric.points, p.attrs, r.Started.UnixNano(), s.Number)
		}
		if latency, ok := r.Latency(); ok && r.Outcome != wire.Broken {
			if of.spread.count == 0 {
				o.hists = append(o.hists, of)
			}
			of.spread.add(latency, r.Started, r.Elapsed())
		}
	}
	for _, of := range o.hists {
		a := o.agent(of.agent)
		m := a.metric(latencyHistogram, true)
		o.use(a, m)
		o.scratch = of.spread.appendTo(append(o.scratch[:0], of.attrs...))
		m.points = appendBytes(m.points, 1, o.scratch)
		of.spread.reset()
	}
	o.body = o.body[:0]
	for _, a := range o.used {
		o.body = a.appendTo(o.body, o.scope)
	}
	return o.body
}

func (o *otlpEncoder) newPoint(of *otlpSeries, s *export.Sample) *otlpPoint {
	a := o.agent(of.agent)
	return &otlpPoint{agent: a, metric: a.metric(s.Name, false), attrs: attributes(nil, 7, withLabel(of.labels, s))}
}

// use has an agent and a metric in the request.
func (o *otlpEncoder) use(a *otlpAgent, m *otlpMetric) {
	if len(m.points) > 0 {
		return
	}
	if len(a.used) == 0 {
		o.used = append(o.used, a)
	}
	a.used = append(a.used, m)
}

// appendPoint appends a NumberDataPoint as a field of a gauge.
func appendPoint(b, attrs []byte, at int64, number float64) []byte {
	b = binary.AppendUvarint(append(b, 1<<3|wireBytes), uint64(len(attrs)+18))
	b = appendFixed(b, 3, uint64(at))
	b = appendDouble(b, 4, number)
	return append(b, attrs...)
}

// appendTo appends the ResourceMetrics of an agent, and empties it.
func (a *otlpAgent) appendTo(b, scope []byte) []byte {
	size := len(scope)
	for _, m := range a.used {
		size += fieldLen(m.size())
	}
	resource := fieldLen(len(a.resource))
	b = binary.AppendUvarint(append(b, 1<<3|wireBytes), uint64(resource+fieldLen(size)))
	b = appendBytes(b, 1, a.resource)
	b = binary.AppendUvarint(append(b, 2<<3|wireBytes), uint64(size))
	b = append(b, scope...)
	for _, m := range a.used {
		b = binary.AppendUvarint(append(b, 2<<3|wireBytes), uint64(m.size()))
		b = append(b, m.head...)
		b = appendTag(b, m.field(), wireBytes)
		b = binary.AppendUvarint(b, uint64(m.inner()))
		b = append(b, m.points...)
		if m.hist {
			b = appendVarint(b, 2, 1) // delta
		}
		m.points = m.points[:0]
	}
	a.used = a.used[:0]
	return b
}

// field is where a Metric has this data, and inner how long that is.
func (m *otlpMetric) field() int {
	if m.hist {
		return 10
	}
	return 5
}

func (m *otlpMetric) inner() int {
	if m.hist {
		return len(m.points) + 2
	}
	return len(m.points)
}

func (m *otlpMetric) size() int { return len(m.head) + fieldLen(m.inner()) }

// fieldLen is how long a field of so many bytes is, with a number below 16.
func fieldLen(n int) int { return 1 + uvarintLen(uint64(n)) + n }

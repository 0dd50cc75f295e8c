package wire

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"
)

// fullResult has every field, by reflection: also one that is new.
func fullResult(t testing.TB) Result {
	var r Result
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Interface().(type) {
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(1_800_000_000, 123_456_000).UTC()))
		case *time.Time:
			f.Set(reflect.ValueOf(new(time.Unix(1_900_000_000, 0).UTC())))
		case *int64:
			f.Set(reflect.ValueOf(new(int64(1_234_567))))
		case *float64:
			f.Set(reflect.ValueOf(new(0.25)))
		case []Unmet:
			f.Set(reflect.ValueOf([]Unmet{{"status", "200", "500"}, {"header", `"a"`, "<none> & ünïcode"}}))
		case json.RawMessage:
			f.Set(reflect.ValueOf(json.RawMessage(`{"connect_ns":1234567}`)))
		default:
			switch {
			case f.CanInt():
				f.SetInt(7)
			case f.CanUint():
				f.SetUint(8)
			case f.Kind() == reflect.String:
				f.SetString("text of " + v.Type().Field(i).Name)
			default:
				t.Fatalf("field %s is of a type that this test does not know", v.Type().Field(i).Name)
			}
		}
	}
	return r
}

func sameJSON(t *testing.T, r Result) {
	t.Helper()
	want, wantErr := json.Marshal(&r)
	got, err := r.AppendJSON([]byte("before"))
	if (err == nil) != (wantErr == nil) || err == nil && string(got) != "before"+string(want) {
		t.Errorf("AppendJSON = %s, %v\nencoding/json: %s, %v", got, err, want, wantErr)
	}
}

func TestAppendJSON(t *testing.T) {
	full := fullResult(t)
	sameJSON(t, full)
	sameJSON(t, Result{})
	v := reflect.ValueOf(&full).Elem()
	for i := range v.NumField() { // each field alone, and all others
		alone, without := Result{}, full
		reflect.ValueOf(&alone).Elem().Field(i).Set(v.Field(i))
		reflect.ValueOf(&without).Elem().Field(i).SetZero()
		sameJSON(t, alone)
		sameJSON(t, without)
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 1, 1e-7, 1e21, 0.1, 1.0 / 3, math.NaN(), math.Inf(1)} {
		sameJSON(t, Result{Loss: &f})
	}
	for _, at := range []time.Time{{}, time.Now(), time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, 0), time.Unix(0, 0).UTC(), time.Unix(1, 5).In(time.FixedZone("x", 3600))} {
		sameJSON(t, Result{Due: at, Started: at, CertExpires: &at})
	}
}

// FuzzAppendJSON checks AppendJSON against encoding/json.
func FuzzAppendJSON(f *testing.F) {
	f.Add("paris", "web", "a \"quoted\" <tag> & \xff  \x00", int64(0), uint64(1), 0.5, int64(1_800_000_000), int64(5))
	f.Add("", "", "", int64(-1), uint64(0), -1e-9, int64(-99_999_999_999), int64(-1))
	f.Fuzz(func(t *testing.T, agent, monitor, text string, ns int64, n uint64, x float64, sec, nsec int64) {
		at := time.Unix(sec, nsec).UTC()
		details, _ := json.Marshal(map[string]string{"text": text})
		r := Result{Agent: agent, Monitor: monitor, Kind: text, Target: text, Seq: n, Started: at, Due: at.Add(time.Duration(ns)), ElapsedNS: ns, LatencyNS: &ns,
			Outcome: Outcome(text), Failure: Failure(agent), Error: text, Unmet: []Unmet{{text, agent, monitor}}, Asked: text, Loss: &x, CertExpires: &at, Details: details}
		want, wantErr := json.Marshal(&r)
		got, err := r.AppendJSON(nil)
		if (err == nil) != (wantErr == nil) || err == nil && string(got) != string(want) {
			t.Errorf("AppendJSON = %s, %v\nencoding/json: %s, %v", got, err, want, wantErr)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	r := fullResult(b)
	r.Unmet, r.Error, r.CertExpires = nil, "", nil
	b.Run("AppendJSON", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf, _ = r.AppendJSON(buf[:0])
		}
	})
	b.Run("encoding_json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			json.Marshal(&r)
		}
	})
}

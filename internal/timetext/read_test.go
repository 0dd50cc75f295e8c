package timetext

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParse(t *testing.T) {
	oslo := zone(t, "Europe/Oslo")
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, oslo)
	day := func(d, h, m int) time.Time { return time.Date(2026, 11, d, h, m, 0, 0, oslo) }
	for text, want := range map[string]time.Time{
		"now": now, "NOW": now, "90m": now.Add(-90 * time.Minute), "1d": now.Add(-24 * time.Hour), "2w": now.Add(-14 * 24 * time.Hour),
		"1d12h": now.Add(-36 * time.Hour), "1.5d": now.Add(-36 * time.Hour), "90m ago": now.Add(-90 * time.Minute), "in 30m": now.Add(30 * time.Minute),
		"0d": now, "1m38s…": now.Add(-98 * time.Second), "32.7 s": now.Add(-32700 * time.Millisecond),
		"today": day(29, 0, 0), "yesterday": day(28, 0, 0), "tomorrow": day(30, 0, 0), "yesterday 14:00": day(28, 14, 0), "today 09:30": day(29, 9, 30), "Yesterday 14:00 UTC": day(28, 15, 0),
		"02:00": day(29, 2, 0), "2:00": day(29, 2, 0), "13:00": day(28, 13, 0), "12:00": day(29, 12, 0), "00:00": day(29, 0, 0), "02:00:00": day(29, 2, 0), "02:00 UTC": day(29, 3, 0), "02:00+02:00": day(29, 1, 0), "02:00Z": day(29, 3, 0),
		"2026-11-29": day(29, 0, 0), "20261129": day(29, 0, 0), "2026-11-29 02:00": day(29, 2, 0), "2026-11-29T02:00": day(29, 2, 0), "2026-11-29 02:00:00": day(29, 2, 0), "2026-11-29T02:00:00": day(29, 2, 0), "2026-11-29T02:00:00.5": day(29, 2, 0).Add(time.Second / 2),
		"2026-11-29T02:00Z": day(29, 3, 0), "2026-11-29 02:00 UTC": day(29, 3, 0), "2026-11-29 02:00 CET": day(29, 2, 0), "2026-11-29T02:00+01:00": day(29, 2, 0), "2026-11-29 02:00 +0100": day(29, 2, 0), "2026-11-29 02:00:00 (+0000)": day(29, 3, 0),
		"2026-11-29 02:00 America/New_York": day(29, 8, 0), "2026-11-29 UTC": day(29, 1, 0), "2026-11-29T020000": day(29, 2, 0), "20261129T020000.000Z": day(29, 3, 0), "  2026-11-29  ": day(29, 0, 0),
		"1795914000": time.Unix(1795914000, 0), "@1795914000": time.Unix(1795914000, 0), "1795914000.25": time.Unix(1795914000, 25e7), "1795914000250": time.Unix(1795914000, 25e7),
		"2026-10-25 02:30 CEST": time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), "2026-10-25 02:30 CET": time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC),
		"2026-07-01 12:00 CEST": time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC), "Sun Nov 29 02:00:00 2026": day(29, 2, 0),
	} {
		if got, err := Parse(text, now, Past); err != nil || !got.Equal(want) {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]time.Time{"02:00": day(30, 2, 0), "13:00": day(29, 13, 0), "12:00": day(30, 12, 0), "30m": now.Add(30 * time.Minute), "in 30m": now.Add(30 * time.Minute), "1h ago": now.Add(-time.Hour), "tomorrow 08:00": day(30, 8, 0)} {
		if got, err := Parse(text, now, Coming); err != nil || !got.Equal(want) {
			t.Errorf("Parse(%q) for what is to come = %v, %v; want %v", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"": "", "d": "", "-1d": "", "+1d": "", "-5m": "", "1d-2h": "", "7days": "", "last week": "", "1764": "", "20": "", "2026-13-01": "no such day", "2026-02-30": "no such day", "2026-11-29 25:00": "no such day",
		"yesterday 25:00": "no time of a day", "2026-11-29 02:00 Mars/Base": `no zone is called "Mars/Base"`, "99999d": "before 1970", "1969-01-01": "before 1970", "2026-11-29T02:00+99:00": "no zone is so far", "2026-11-29 02:00 XYZ": `no zone is called "XYZ"`,
	} {
		got, err := Parse(text, now, Past)
		if err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, got)
			continue
		}
		if !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "want a time such as "+Forms) {
			t.Errorf("Parse(%q): %v, want %q and the forms", text, err, why)
		}
	}
}

func TestParseFixed_WantsDayAndZone(t *testing.T) {
	want := time.Date(2026, 12, 24, 21, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-12-24T22:00:00+01:00", "2026-12-24 22:00 Europe/Oslo", "2026-12-24 21:00 UTC", "2026-12-24T21:00Z"} {
		if got, err := ParseFixed(text); err != nil || !got.Equal(want) {
			t.Errorf("ParseFixed(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "2026-12-24 22:00", "22:00 UTC", "1d", "today", "yesterday 14:00 UTC", "now"} {
		if got, err := ParseFixed(text); err == nil {
			t.Errorf("ParseFixed(%q) = %v, want an error", text, got)
		}
	}
}

func TestColumn_SaysTheZoneOnce(t *testing.T) {
	oslo := zone(t, "Europe/Oslo")
	winter, summer := time.Date(2026, 11, 29, 11, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		times []time.Time
		zone  string
		want  []string
	}{
		{[]time.Time{winter, {}}, " (CET)", []string{"2026-11-29 12:00:00", ""}},
		{[]time.Time{winter, summer}, "", []string{"2026-11-29 12:00:00 CET", "2026-07-01 12:00:00 CEST"}},
		{[]time.Time{{}}, "", []string{""}},
	} {
		got, texts := columnIn(c.times, oslo)
		if got != c.zone || strings.Join(texts, "|") != strings.Join(c.want, "|") {
			t.Errorf("%v: %q %q, want %q %q", c.times, got, texts, c.zone, c.want)
		}
	}
}

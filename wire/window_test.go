package wire

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"netmon/internal/need"
)

func utc(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// TestWindow_Next goes over calendars, and over days on which clocks are changed.
func TestWindow_Next(t *testing.T) {
	hours := func(n int) Duration { return Duration(n) * Duration(time.Hour) }
	for name, c := range map[string]struct {
		w      Window
		at     string
		open   bool
		change string // "" is never
	}{
		"a night of the week, before":           {Window{Weekly: "Sun 02:00-04:00"}, "2026-11-28T12:00:00Z", false, "2026-11-29T02:00:00Z"},
		"at its begin":                          {Window{Weekly: "Sun 02:00-04:00"}, "2026-11-29T02:00:00Z", true, "2026-11-29T04:00:00Z"},
		"at its end":                            {Window{Weekly: "Sun 02:00-04:00"}, "2026-11-29T04:00:00Z", false, "2026-12-06T02:00:00Z"},
		"over midnight":                         {Window{Weekly: "Mon-Fri 22:00-06:00"}, "2026-11-28T01:00:00Z", true, "2026-11-28T06:00:00Z"},
		"not on Saturday":                       {Window{Weekly: "Mon-Fri 22:00-06:00"}, "2026-11-28T23:00:00Z", false, "2026-11-30T22:00:00Z"},
		"a list of days":                        {Window{Weekly: "mon,Wednesday 10:00-11:00"}, "2026-12-01T10:30:00Z", false, "2026-12-02T10:00:00Z"},
		"a range over the end of the week":      {Window{Weekly: "Fri-Mon 10:00-11:00"}, "2026-11-28T12:00:00Z", false, "2026-11-29T10:00:00Z"},
		"to the end of the day":                 {Window{Weekly: "Sun 00:00-24:00"}, "2026-11-29T23:59:59Z", true, "2026-11-30T00:00:00Z"},
		"days that follow each other":           {Window{Weekly: "Sat,Sun 00:00-24:00"}, "2026-11-28T12:00:00Z", true, "2026-11-30T00:00:00Z"},
		"always":                                {Window{Weekly: "Mon-Sun 00:00-00:00"}, "2026-11-28T12:00:00Z", true, ""},
		"always, also when clocks are changed":  {Window{Weekly: "Mon-Sun 02:30-02:30", Zone: "Europe/Oslo"}, "2026-01-28T12:00:00Z", true, ""},
		"in a zone":                             {Window{Weekly: "Sun 02:00-04:00", Zone: "Europe/Oslo"}, "2026-11-29T00:00:00Z", false, "2026-11-29T01:00:00Z"},
		"Oslo, spring: 02 is skipped":           {Window{Weekly: "Sun 02:00-04:00", Zone: "Europe/Oslo"}, "2026-03-29T00:00:00Z", false, "2026-03-29T01:00:00Z"},
		"Oslo, spring: an hour long":            {Window{Weekly: "Sun 02:00-04:00", Zone: "Europe/Oslo"}, "2026-03-29T01:00:00Z", true, "2026-03-29T02:00:00Z"},
		"Oslo, spring: all of it is skipped":    {Window{Weekly: "Sun 02:10-02:50", Zone: "Europe/Oslo"}, "2026-03-28T12:00:00Z", false, "2026-04-05T00:10:00Z"},
		"Oslo, spring: ends in what is skipped": {Window{Weekly: "Sun 01:00-02:30", Zone: "Europe/Oslo"}, "2026-03-29T00:30:00Z", true, "2026-03-29T01:00:00Z"},
		"Oslo, autumn: begins the first time":   {Window{Weekly: "Sun 02:30-04:00", Zone: "Europe/Oslo"}, "2026-10-25T00:00:00Z", false, "2026-10-25T00:30:00Z"},
		"Oslo, autumn: ends the last time":      {Window{Weekly: "Sun 01:00-02:30", Zone: "Europe/Oslo"}, "2026-10-25T00:31:00Z", true, "2026-10-25T01:30:00Z"},
		"Oslo, autumn: over the change":         {Window{Weekly: "Sat 22:00-06:00", Zone: "Europe/Oslo"}, "2026-10-24T20:00:00Z", true, "2026-10-25T05:00:00Z"},
		"New York, spring":                      {Window{Weekly: "Sun 02:00-04:00", Zone: "America/New_York"}, "2026-03-08T06:59:00Z", false, "2026-03-08T07:00:00Z"},
		"New York, spring: it ends":             {Window{Weekly: "Sun 02:00-04:00", Zone: "America/New_York"}, "2026-03-08T07:00:00Z", true, "2026-03-08T08:00:00Z"},
		"New York, autumn":                      {Window{Weekly: "Sun 01:00-01:30", Zone: "America/New_York"}, "2026-11-01T05:00:00Z", true, "2026-11-01T06:30:00Z"},
		"Lord Howe, spring: half an hour":       {Window{Weekly: "Sun 02:15-03:00", Zone: "Australia/Lord_Howe"}, "2026-10-03T15:00:00Z", false, "2026-10-03T15:30:00Z"},
		"Lord Howe, spring: it ends":            {Window{Weekly: "Sun 02:15-03:00", Zone: "Australia/Lord_Howe"}, "2026-10-03T15:30:00Z", true, "2026-10-03T16:00:00Z"},
		"Lord Howe, autumn":                     {Window{Weekly: "Sun 01:45-02:15", Zone: "Australia/Lord_Howe"}, "2026-04-04T14:45:00Z", true, "2026-04-04T15:45:00Z"},
		"cron":                                  {Window{Cron: "0 2 * * 0", For: hours(2)}, "2026-11-28T12:00:00Z", false, "2026-11-29T02:00:00Z"},
		"cron, open":                            {Window{Cron: "0 2 * * sun", For: hours(2)}, "2026-11-29T03:59:00Z", true, "2026-11-29T04:00:00Z"},
		"cron in a zone, spring":                {Window{Cron: "30 2 * * 7", For: hours(2), Zone: "Europe/Oslo"}, "2026-03-29T00:00:00Z", false, "2026-03-29T01:00:00Z"},
		"cron lasts as long in spring":          {Window{Cron: "30 2 * * 7", For: hours(2), Zone: "Europe/Oslo"}, "2026-03-29T01:00:00Z", true, "2026-03-29T03:00:00Z"},
		"cron, autumn":                          {Window{Cron: "30 2 * * 7", For: hours(2), Zone: "Europe/Oslo"}, "2026-10-25T00:30:00Z", true, "2026-10-25T02:30:00Z"},
		"cron, one of both days":                {Window{Cron: "0 0 13 * fri", For: hours(1)}, "2026-11-14T12:00:00Z", false, "2026-11-20T00:00:00Z"},
		"cron by month":                         {Window{Cron: "0 0 1 jan,jul *", For: hours(24)}, "2026-11-14T12:00:00Z", false, "2027-01-01T00:00:00Z"},
		"cron, 29 February":                     {Window{Cron: "0 0 29 2 *", For: hours(24)}, "2096-03-01T12:00:00Z", false, "2104-02-29T00:00:00Z"},
		"cron, 29 February, open":               {Window{Cron: "0 0 29 2 *", For: hours(24)}, "2028-02-29T12:00:00Z", true, "2028-03-01T00:00:00Z"},
		"cron, one joins the next":              {Window{Cron: "0 8-17 * * mon-fri", For: hours(1)}, "2026-11-30T08:00:00Z", true, "2026-11-30T18:00:00Z"},
		"cron, each minute of a week":           {Window{Cron: "* * 1-7 * *", For: Duration(time.Minute)}, "2026-12-01T08:00:00Z", true, "2026-12-08T00:00:00Z"},
		"cron, for a month":                     {Window{Cron: "0 0 1 * *", For: 30 * hours(24)}, "2026-12-30T00:00:00Z", true, "2026-12-31T00:00:00Z"},
		"cron without end":                      {Window{Cron: "* * * * *", For: hours(1)}, "2026-12-30T00:00:00Z", true, ""},
		"once, before":                          {Window{From: utc(t, "2026-12-01T00:00:00Z"), To: utc(t, "2026-12-02T00:00:00Z")}, "2026-11-30T00:00:00Z", false, "2026-12-01T00:00:00Z"},
		"once, open":                            {Window{From: utc(t, "2026-12-01T00:00:00Z"), To: utc(t, "2026-12-02T00:00:00Z")}, "2026-12-01T00:00:00Z", true, "2026-12-02T00:00:00Z"},
		"once, over":                            {Window{From: utc(t, "2026-12-01T00:00:00Z"), To: utc(t, "2026-12-02T00:00:00Z")}, "2026-12-02T00:00:00Z", false, ""},
		"no such zone":                          {Window{Weekly: "Sun 02:00-04:00", Zone: "Europe/Nowhere"}, "2026-12-02T00:00:00Z", false, ""},
		"nonsense":                              {Window{Weekly: "x"}, "2026-12-02T00:00:00Z", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var want time.Time
			if c.change != "" {
				want = utc(t, c.change)
			}
			open, change := c.w.Next(utc(t, c.at))
			if open != c.open || !change.Equal(want) {
				t.Errorf("%+v at %s: %v until %v, want %v until %v", c.w, c.at, open, change, c.open, want)
			}
		})
	}
}

// TestWindow_Next_Steps compares Next with clocks that are looked at each minute.
func TestWindow_Next_Steps(t *testing.T) {
	need.Time(t)
	r := rand.New(rand.NewPCG(1, 2))
	for _, zone := range []string{"Europe/Oslo", "America/New_York", "Australia/Lord_Howe"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, year := range []time.Time{time.Date(2026, 1, 1, 0, 0, 0, 0, loc), time.Date(2026, 7, 1, 0, 0, 0, 0, loc)} {
			_, change := year.ZoneBounds()
			for range 25 {
				text := []string{"Sat", "Sun", "Mon", "Sat-Mon", "Mon-Sun", "Fri,Sun"}[r.IntN(6)] + " " + clock(r) + "-" + clock(r)
				w := Window{Weekly: text, Zone: zone}
				if err := (&Window{Name: "w", Weekly: text, Zone: zone}).Validate(); err != nil {
					t.Fatal(err)
				}
				stepWindow(t, w, loc, change.Add(-60*time.Hour).Truncate(time.Minute), change.Add(60*time.Hour))
			}
		}
	}
}

// clock is a time of the day, often one near a change.
func clock(r *rand.Rand) string {
	h, m := r.IntN(24), r.IntN(12)*5
	if r.IntN(3) > 0 {
		h = r.IntN(4)
	}
	return time.Date(2026, 1, 1, h, m, 0, 0, time.UTC).Format("15:04")
}

// stepWindow looks at the clock each minute: it is open between a minute at which the
// clock shows, or skips, the begin for the first time, and one at which it shows the end
// for the last time.
func stepWindow(t *testing.T, w Window, loc *time.Location, from, to time.Time) {
	t.Helper()
	spec, err := parseWeekly(w.Weekly)
	if err != nil {
		t.Fatal(err)
	}
	wall := func(at time.Time) int64 {
		_, o := at.In(loc).Zone()
		return (at.Unix() + int64(o)) / 60
	}
	// reach is the first, or last, minute from which on the clock is not before it.
	first := map[int64]time.Time{}
	last := map[int64]time.Time{}
	high := wall(from.Add(-72 * time.Hour))
	for at := from.Add(-72 * time.Hour); at.Before(to.Add(72 * time.Hour)); at = at.Add(time.Minute) {
		now := wall(at)
		for m := high + 1; m <= now; m++ {
			first[m], last[m] = at, at
		}
		last[now] = at
		high = max(high, now)
	}
	open := map[time.Time]bool{}
	for day := dateOf(from.In(loc)).add(-2); day.at(0, loc, false).Before(to.Add(24 * time.Hour)); day = day.add(1) {
		if spec.weekdays&(1<<int(day.weekday())) == 0 {
			continue
		}
		midnight := time.Date(day.year, day.month, day.day, 0, 0, 0, 0, time.UTC).Unix() / 60
		begin, end := midnight+int64(spec.from), midnight+int64(spec.till)
		if spec.till <= spec.from {
			end += 24 * 60
		}
		for at := first[begin]; at.Before(last[end]); at = at.Add(time.Minute) {
			open[at.UTC()] = true
		}
	}
	var until time.Time
	is := false
	for at := from.UTC(); at.Before(to); at = at.Add(time.Minute) {
		if until.IsZero() || !at.Before(until) {
			if is, until = w.Next(at); until.IsZero() {
				until = to.Add(time.Hour)
			}
			if !until.After(at) {
				t.Fatalf("%s %s at %v: the change is at %v", w.Weekly, w.Zone, at, until)
			}
		}
		if is != open[at] {
			t.Fatalf("%s %s at %v (%v): open %v, by the clock %v", w.Weekly, w.Zone, at, at.In(loc), is, open[at])
		}
	}
}

func TestWindow_Validate(t *testing.T) {
	day := utc(t, "2026-12-01T00:00:00Z")
	for name, c := range map[string]struct {
		w    Window
		want string // "" is none
	}{
		"weekly":                {Window{Name: "a", Weekly: "Mon-Fri 22:00-06:00", Zone: "Europe/Oslo"}, ""},
		"cron":                  {Window{Name: "a", Cron: "*/15 8-18/2 1,15 * *", For: Duration(time.Hour)}, ""},
		"once":                  {Window{Name: "a", From: day, To: day.Add(time.Hour)}, ""},
		"nothing":               {Window{Name: "a"}, "weekly: is missing: want one of weekly, cron, and from with to"},
		"two of them":           {Window{Name: "a", Weekly: "Sun 02:00-04:00", From: day, To: day.Add(1)}, "weekly: want one of weekly, cron, and from with to, got several"},
		"no zone":               {Window{Name: "a", Weekly: "Sun 02:00-04:00", Zone: "Oslo"}, `zone: want an IANA name such as Europe/Oslo, got "Oslo"`},
		"the host's zone":       {Window{Name: "a", Weekly: "Sun 02:00-04:00", Zone: "Local"}, `zone: want an IANA name such as Europe/Oslo, got "Local"`},
		"a path for a zone":     {Window{Name: "a", Weekly: "Sun 02:00-04:00", Zone: "../etc/passwd"}, `zone: want an IANA name`},
		"a zone of one instant": {Window{Name: "a", From: day, To: day.Add(1), Zone: "UTC"}, `zone: goes with weekly and cron: from and to have zones of their own, got "UTC"`},
		"no days":               {Window{Name: "a", Weekly: "02:00-04:00"}, `weekly: want days and times such as Sun 02:00-04:00 or Mon-Fri 22:00-06:00, got "02:00-04:00"`},
		"days and times":        {Window{Name: "a", Weekly: "Foo,Mon-Bar 2:00-25:00"}, "weekly: want days such as Sun, Mon-Fri or Mon,Wed, got \"Foo\"\nweekly: want days such as Sun, Mon-Fri or Mon,Wed, got \"Mon-Bar\"\nweekly: want times such as 22:00-06:00, got \"2:00-25:00\""},
		"begins at 24":          {Window{Name: "a", Weekly: "Sun 24:00-04:00"}, `weekly: want times such as 22:00-06:00, got "24:00-04:00"`},
		"no length":             {Window{Name: "a", Cron: "0 2 * * 0"}, "for: is missing: want how long it lasts, such as 2h"},
		"a length alone":        {Window{Name: "a", Weekly: "Sun 02:00-04:00", For: Duration(time.Hour)}, `for: goes with cron, got "1h"`},
		"too short":             {Window{Name: "a", Cron: "0 2 * * 0", For: Duration(time.Second)}, `for: want 1m to 30d, got "1s"`},
		"fields":                {Window{Name: "a", Cron: "0 2 * *", For: Duration(time.Hour)}, `cron: want 5 fields: minute hour day month weekday, such as 0 2 * * sun, got "0 2 * *"`},
		"each field":            {Window{Name: "a", Cron: "60 24 0 13 8", For: Duration(time.Hour)}, "cron: minute: want 0 to 59, *, a-b, a list or a step such as */5, got \"60\"\ncron: hour: want 0 to 23, *, a-b, a list or a step such as */5, got \"24\"\ncron: day: want 1 to 31"},
		"a step alone":          {Window{Name: "a", Cron: "5/15 0 * * *", For: Duration(time.Hour)}, `cron: minute: want 0 to 59, *, a-b, a list or a step such as */5, got "5/15"`},
		"backwards":             {Window{Name: "a", Cron: "0 0 * * fri-mon", For: Duration(time.Hour)}, `cron: weekday: want 0 to 7`},
		"never":                 {Window{Name: "a", Cron: "0 0 31 2,4 *", For: Duration(time.Hour)}, `cron: never comes: no such month has that day: "0 0 31 2,4 *"`},
		"no end":                {Window{Name: "a", From: day}, `to: want a time after from, got ""`},
		"ends before":           {Window{Name: "a", From: day, To: day}, `to: want a time after from, got "2026-12-01T00:00:00Z"`},
		"no begin":              {Window{Name: "a", To: day}, "from: is missing"},
		"name and match":        {Window{Weekly: "Sun 02:00-04:00", Match: Match{Severity: []Severity{"bad"}}}, "name: is empty: want 1 to 64 of A-Z a-z 0-9 _ -\nmatch.severity[0]: want one of down, "},
	} {
		err := c.w.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v\nwant %q", name, err, c.want)
		}
	}
}

func FuzzParseCron(f *testing.F) {
	for _, s := range []string{"0 2 * * 0", "*/15 8-18/2 1,15 jan-mar mon", "0 0 29 2 *", "* * * * *", "59 23 31 12 7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCron(text)
		if err != nil {
			if len(err.Error()) > 5*MaxText {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
			return
		}
		if len(c.times()) == 0 {
			t.Errorf("%q has no time of the day", text)
		}
		w := Window{Cron: text, For: Duration(time.Hour)}
		if open, change := w.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); !open && change.IsZero() {
			t.Errorf("%q never opens", text)
		}
	})
}

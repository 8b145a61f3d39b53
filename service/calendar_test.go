package service_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flowbot/service"
	"flowbot/templates"
)

// russianCalendar is the calendar that comes with the program.
func russianCalendar(tb testing.TB) *service.Calendar {
	tb.Helper()
	texts, err := templates.CalendarYears()
	if err != nil {
		tb.Fatal(err)
	}
	c, err := service.BuildCalendar(texts...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func day(tb testing.TB, s string) service.Day {
	tb.Helper()
	d, err := service.ParseDay(s)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestBuiltInYearsHaveTheKnownDaysOff(t *testing.T) {
	t.Parallel()
	c := russianCalendar(t)
	tests := []struct {
		day     string
		working bool
		why     string
	}{
		{"31.12.2024", true, "2024 is known by the law alone"},
		{"08.01.2025", false, "holidays of the new year"},
		{"09.01.2025", true, "first working day of 2025"},
		{"24.02.2025", true, "the rest of 23 February was moved to 8 May"},
		{"10.03.2025", true, "the rest of 8 March was moved to 13 June"},
		{"02.05.2025", false, "moved from 4 January"},
		{"08.05.2025", false, "moved from 23 February"},
		{"13.06.2025", false, "moved from 8 March"},
		{"01.11.2025", true, "a Saturday that is worked"},
		{"02.11.2025", false, "a plain Sunday"},
		{"03.11.2025", false, "moved from 1 November"},
		{"04.11.2025", false, "day of national unity"},
		{"30.12.2025", true, "last working day of 2025"},
		{"31.12.2025", false, "moved from 5 January"},
		{"09.01.2026", false, "moved from 3 January"},
		{"12.01.2026", true, "first working day of 2026"},
		{"23.02.2026", false, "defender's day"},
		{"09.03.2026", false, "8 March is a Sunday"},
		{"11.05.2026", false, "9 May is a Saturday"},
		{"12.06.2026", false, "day of Russia"},
		{"03.11.2026", true, "a plain Tuesday"},
		{"04.11.2026", false, "day of national unity"},
		{"30.12.2026", true, "last working day of 2026"},
		{"31.12.2026", false, "moved from 4 January"},
		{"03.05.2027", false, "1 May is a Saturday"},
		{"10.05.2027", false, "9 May is a Sunday"},
		{"14.06.2027", false, "12 June is a Saturday"},
	}
	for _, tt := range tests {
		t.Run(tt.day+": "+tt.why, func(t *testing.T) {
			t.Parallel()
			if got := c.IsWorking(day(t, tt.day)); got != tt.working {
				t.Errorf("worked: %v, want %v", got, tt.working)
			}
		})
	}
}

func TestYearsHaveTheKnownNumberOfWorkingDays(t *testing.T) {
	t.Parallel()
	c := russianCalendar(t)
	tests := []struct {
		year, working int
		provisional   bool
	}{
		// Source: the production calendars of 2025 and 2026, 247 days each.
		{2025, 247, false},
		{2026, 247, false},
		{2027, 249, true}, // 261 days of the plain week without the 12 of the law
		{2031, 249, true}, // 23 February and 8 March move on to Mondays
	}
	for _, tt := range tests {
		t.Run(strconv.Itoa(tt.year), func(t *testing.T) {
			t.Parallel()
			last := service.NewDay(tt.year, time.December, 31)
			if got := c.WorkingBetween(service.NewDay(tt.year-1, time.December, 31), last); got != tt.working {
				t.Errorf("%d working days, want %d", got, tt.working)
			}
			if got := c.Year(tt.year).Provisional; got != tt.provisional {
				t.Errorf("provisional: %v, want %v", got, tt.provisional)
			}
		})
	}
}

func TestDeadlinesSkipDaysOff(t *testing.T) {
	t.Parallel()
	c := russianCalendar(t)
	tests := []struct {
		name string
		from string
		n    int
		want string
	}{
		{"within a week", "17.11.2026", 3, "20.11.2026"},
		{"over a weekend", "19.11.2026", 3, "24.11.2026"},
		{"over the new year", "30.12.2025", 1, "12.01.2026"},
		{"over a worked Saturday", "31.10.2025", 1, "01.11.2025"},
		{"fifteen days over the November holidays", "24.10.2025", 15, "17.11.2025"},
		{"from a day off", "01.01.2026", 1, "12.01.2026"},
		{"none from a working day", "12.01.2026", 0, "12.01.2026"},
		{"none from a day off is the next working day", "10.01.2026", 0, "12.01.2026"},
		{"one before", "12.01.2026", -1, "30.12.2025"},
		{"into a provisional year", "30.12.2026", 1, "11.01.2027"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := c.AddWorking(day(t, tt.from), tt.n).Russian(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestProvisionalYearOfTheProgramIsTheYearOfTheLaw(t *testing.T) {
	t.Parallel()
	built, law := russianCalendar(t).Year(2027), service.StatutoryYear(2027)
	if diff := cmp.Diff(law.Holidays, built.Holidays); diff != "" {
		t.Error(diff)
	}
	if built.Source == "" {
		t.Error("no source")
	}
}

func TestWorkingDaysKeepTheirLaws(t *testing.T) {
	t.Parallel()
	c := russianCalendar(t)
	rapid.Check(t, func(t *rapid.T) {
		start := service.NewDay(2024, time.January, 1)
		d := start.AddDays(rapid.IntRange(0, 8*365).Draw(t, "from"))
		e := d.AddDays(rapid.IntRange(0, 30).Draw(t, "later"))
		n := rapid.IntRange(1, 300).Draw(t, "n")

		due := c.AddWorking(d, n)
		if !c.IsWorking(due) {
			t.Fatalf("%v and %d working days is %v, a day off", d, n, due)
		}
		if got := c.WorkingBetween(d, due); got != n {
			t.Fatalf("%d working days from %v to %v, want %d", got, d, due, n)
		}
		if later := c.AddWorking(e, n); later.Before(due) {
			t.Fatalf("from %v it is %v, from the later %v the earlier %v", d, due, e, later)
		}
		if next := c.AddWorking(d, n+1); !next.After(due) || next != c.AddWorking(due, 1) {
			t.Fatalf("day %d is %v, day %d is %v", n, due, n+1, next)
		}
		if c.IsWorking(d) && c.AddWorking(due, -n) != d {
			t.Fatalf("%d days back from %v is %v, want %v", n, due, c.AddWorking(due, -n), d)
		}
		if got, back := c.WorkingBetween(d, e), c.WorkingBetween(e, d); got < 0 || back > 0 {
			t.Fatalf("from %v to %v %d, back %d", d, e, got, back)
		}
	})
}

func TestCalendarYearSurvivesItsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := service.StatutoryYear(rapid.IntRange(2000, 2100).Draw(t, "year"))
		want.Source = "ТК РФ"
		got, err := service.ParseCalendarYear(want.Text())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCalendarYearIsRefused(t *testing.T) {
	t.Parallel()
	good := service.StatutoryYear(2028).Text()
	tests := []struct {
		name   string
		text   string
		reason service.Reason
		fault  service.CalendarFault
	}{
		{"plain", good, "", service.CalendarFault{}},
		{"with a mark of the encoding, remarks, other separators", "\ufeff# замечание\r\n" + strings.ReplaceAll(good, " ", ";"), "", service.CalendarFault{}},
		{"empty", "", service.ReasonCalendarNoYear, service.CalendarFault{}},
		{"year that is no number", "год сорок", service.ReasonCalendarNoYear, service.CalendarFault{Line: 1}},
		{"year of another century", "год 1917", service.ReasonCalendarNoYear, service.CalendarFault{Line: 1}},
		{"day before its year", "01.01.2028 выходной\nгод 2028", service.ReasonCalendarNoYear, service.CalendarFault{Line: 1, Day: "01.01.2028"}},
		{"no days", "год 2028", service.ReasonCalendarNoDays, service.CalendarFault{}},
		{"another year", "год 2028\n31.12.2027 выходной", service.ReasonCalendarOtherYear, service.CalendarFault{Line: 2, Day: "31.12.2027"}},
		{"a day twice", good + "04.01.2028 выходной", service.ReasonCalendarRepeated, service.CalendarFault{Line: strings.Count(good, "\n") + 1, Day: "04.01.2028"}},
		{"a weekend as a day off", "год 2028\n01.01.2028 выходной", service.ReasonCalendarPlainDay, service.CalendarFault{Line: 2, Day: "01.01.2028"}},
		{"a Monday as worked", "год 2028\n03.01.2028 рабочий", service.ReasonCalendarPlainDay, service.CalendarFault{Line: 2, Day: "03.01.2028"}},
		{"a word that is not known", "год 2028\n03.01.2028 отгул", service.ReasonCalendarUnreadable, service.CalendarFault{Line: 2, Day: "03.01.2028"}},
		{"no day at all", "год 2028\nвыходной 03.01.2028", service.ReasonCalendarUnreadable, service.CalendarFault{Line: 2}},
		{"a holiday of the law forgotten", strings.Replace(good, "09.05.2028 выходной\n", "", 1), service.ReasonCalendarNotHoliday, service.CalendarFault{Day: "09.05.2028"}},
		{"a rest of a month", good + restOfAugust(), service.ReasonCalendarLongRest, service.CalendarFault{Day: "17.08.2028"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := service.ParseCalendarYear(tt.text)
			if got := service.ReasonOf(err); got != tt.reason {
				t.Fatalf("refused for %q, want %q", got, tt.reason)
			}
			var refusal *service.Error
			if errors.As(err, &refusal) {
				if diff := cmp.Diff(tt.fault, refusal.Data); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// restOfAugust names every weekday of August 2028 as a day off.
func restOfAugust() string {
	var b strings.Builder
	for d := service.NewDay(2028, time.August, 1); d.Month == time.August; d = d.AddDays(1) {
		if w := d.Weekday(); w != time.Saturday && w != time.Sunday {
			fmt.Fprintf(&b, "%s выходной\n", d.Russian())
		}
	}
	return b.String()
}

func FuzzCalendarYear(f *testing.F) {
	f.Add(service.StatutoryYear(2028).Text())
	f.Add("год 2028\n03.01.2028 рабочий")
	f.Fuzz(func(t *testing.T, text string) {
		y, err := service.ParseCalendarYear(text)
		if err != nil {
			if service.AsError(err).Kind != service.Invalid {
				t.Fatalf("refused as %v", err)
			}
			return
		}
		c := service.NewCalendar(y)
		last := service.NewDay(y.Year, time.December, 31)
		if got := c.AddWorking(last, 1); !c.IsWorking(got) {
			t.Errorf("%v is a day off", got)
		}
	})
}

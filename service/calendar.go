package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CalendarYear says which days of one year differ from the plain week, in which
// Monday to Friday are worked.
type CalendarYear struct {
	Year            int    `json:"year"`
	Holidays        []Day  `json:"holidays"`         // Monday to Friday, not worked
	WorkingWeekends []Day  `json:"working_weekends"` // Saturday and Sunday, worked
	Provisional     bool   `json:"provisional"`      // the government has not moved this year's days yet
	Source          string `json:"source"`           // who says so, for people
}

// CalendarQueries asks for imported calendar years.
type CalendarQueries interface {
	// CalendarYears lists the years that an admin has imported, oldest first.
	CalendarYears(ctx context.Context) ([]CalendarYear, error)
}

// CalendarCommands keeps imported calendar years.
type CalendarCommands interface {
	// SaveCalendarYear keeps an imported year in place of what was there. The
	// person is 0 for the command line.
	SaveCalendarYear(ctx context.Context, y CalendarYear, personID int64, at time.Time) error
}

// Calendar tells working days by the Russian calendar. A year without data has
// the statutory holidays alone. The zero Calendar has no data at all; a
// Calendar never changes and is safe for concurrent use.
type Calendar struct {
	years map[int]calendarYear
}

type calendarYear struct {
	CalendarYear
	differ map[Day]bool // the days that differ from the plain week, true if worked
}

// NewCalendar builds a calendar from its years; of two with one number the
// later one counts.
func NewCalendar(years ...CalendarYear) *Calendar { return (&Calendar{}).With(years...) }

// With returns a calendar in which these years stand in place of the calendar's
// own.
func (c *Calendar) With(years ...CalendarYear) *Calendar {
	out := &Calendar{years: make(map[int]calendarYear, len(c.years)+len(years))}
	for n, y := range c.years {
		out.years[n] = y
	}
	for _, y := range years {
		out.years[y.Year] = indexed(y)
	}
	return out
}

func indexed(y CalendarYear) calendarYear {
	differ := make(map[Day]bool, len(y.Holidays)+len(y.WorkingWeekends))
	for _, d := range y.Holidays {
		differ[d] = false
	}
	for _, d := range y.WorkingWeekends {
		differ[d] = true
	}
	return calendarYear{y, differ}
}

// BuildCalendar builds a calendar from the text forms of its years.
func BuildCalendar(texts ...string) (*Calendar, error) {
	years := make([]CalendarYear, 0, len(texts))
	for i, text := range texts {
		y, err := ParseCalendarYear(text)
		if err != nil {
			return nil, fmt.Errorf("calendar year %d of %d: %w", i+1, len(texts), err)
		}
		years = append(years, y)
	}
	return NewCalendar(years...), nil
}

// Year returns what is known of a year: its data, or the statutory holidays
// marked provisional.
func (c *Calendar) Year(year int) CalendarYear {
	if y, ok := c.years[year]; ok {
		return y.CalendarYear
	}
	return StatutoryYear(year)
}

// IsWorking reports whether the day is worked.
func (c *Calendar) IsWorking(d Day) bool {
	y, ok := c.years[d.Year]
	if !ok {
		return !isWeekend(d) && !isStatutoryDayOff(d)
	}
	if worked, ok := y.differ[d]; ok {
		return worked
	}
	return !isWeekend(d)
}

// longestRest bounds the search for a working day, in days. The longest rest of
// any year is 12 days; ParseCalendarYear refuses a year with a longer one than
// maxRest, so the bound is never met.
const longestRest = 3 * maxRest

// AddWorking returns the n-th working day after d, before d if n is negative.
// For n = 0 it is d itself, if that is worked, else the next working day: a
// deadline never falls on a day off.
func (c *Calendar) AddWorking(d Day, n int) Day {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	if n == 0 {
		d, n = d.AddDays(-1), 1
	}
	for idle := 0; n > 0 && idle < longestRest; {
		d = d.AddDays(step)
		if c.IsWorking(d) {
			n, idle = n-1, 0
		} else {
			idle++
		}
	}
	return d
}

// WorkingBetween counts the working days after from up to and including to; it
// is negative if to is earlier. WorkingBetween(d, AddWorking(d, n)) is n.
func (c *Calendar) WorkingBetween(from, to Day) int {
	sign := 1
	if to.Before(from) {
		sign, from, to = -1, to.AddDays(-1), from.AddDays(-1)
	}
	n := 0
	for d := from.AddDays(1); !d.After(to); d = d.AddDays(1) {
		if c.IsWorking(d) {
			n++
		}
	}
	return sign * n
}

func isWeekend(d Day) bool {
	w := d.Weekday()
	return w == time.Saturday || w == time.Sunday
}

// isStatutoryHoliday reports the non-working holidays.
// Source: Labour Code of the Russian Federation, article 112, part one.
func isStatutoryHoliday(d Day) bool {
	switch d.Month {
	case time.January:
		return d.Day <= 8
	case time.February:
		return d.Day == 23
	case time.March:
		return d.Day == 8
	case time.May:
		return d.Day == 1 || d.Day == 9
	case time.June:
		return d.Day == 12
	case time.November:
		return d.Day == 4
	case time.April, time.July, time.August, time.September, time.October, time.December:
		return false
	}
	return false
}

// isStatutoryDayOff reports the Mondays to Fridays that are not worked by law
// alone: the holidays, and the working day next after a holiday that fell on a
// weekend. The weekends of the January holidays are moved by the government
// instead, so they are not here.
// Source: Labour Code of the Russian Federation, article 112, part two.
func isStatutoryDayOff(d Day) bool {
	if isWeekend(d) {
		return false
	}
	if isStatutoryHoliday(d) {
		return true
	}
	for before := d.AddDays(-1); isWeekend(before) || isStatutoryHoliday(before); before = before.AddDays(-1) {
		if isWeekend(before) && isStatutoryHoliday(before) && before.Month != time.January {
			return true
		}
	}
	return false
}

// StatutoryYear is a year for which nobody has moved days yet.
func StatutoryYear(year int) CalendarYear {
	y := CalendarYear{Year: year, Provisional: true}
	for d := NewDay(year, time.January, 1); d.Year == year; d = d.AddDays(1) {
		if isStatutoryDayOff(d) {
			y.Holidays = append(y.Holidays, d)
		}
	}
	return y
}

// The reasons for which a calendar year is refused. Data: CalendarFault.
const (
	ReasonCalendarUnreadable Reason = "calendar.unreadable"  // a line is not understood
	ReasonCalendarNoYear     Reason = "calendar.no_year"     // it does not say which year, or no year from 2000 to 2100
	ReasonCalendarNoDays     Reason = "calendar.no_days"     // it names no day at all
	ReasonCalendarOtherYear  Reason = "calendar.other_year"  // a day of another year
	ReasonCalendarRepeated   Reason = "calendar.repeated"    // a day that stands twice
	ReasonCalendarPlainDay   Reason = "calendar.plain_day"   // a day off that is a weekend, or a working day that is not
	ReasonCalendarNotHoliday Reason = "calendar.not_holiday" // a day off by law is missing
	ReasonCalendarLongRest   Reason = "calendar.long_rest"   // more days off in a row than any year has
)

// CalendarFault is the Data of a refused calendar year.
type CalendarFault struct {
	Line int    // of the text, from 1; 0 when no line is to blame
	Day  string // ДД.ММ.ГГГГ, or "" when no day is to blame
}

// maxRest is the most days off in a row that a year may have. Source: the
// longest so far had 12 days (31.12.2025 to 11.01.2026); the days off of the
// spring of 2020 were no days off of the calendar.
const maxRest = 16

// The words of the text form of a calendar year.
const (
	wordYear        = "год"
	wordSource      = "источник"
	wordProvisional = "предварительно"
	wordDayOff      = "выходной"
	wordWorked      = "рабочий"
)

// ParseCalendarYear reads a calendar year from its text form, in UTF-8:
//
//	# a remark
//	год 2025
//	источник Постановление Правительства РФ от 04.10.2024 № 1335
//	предварительно
//	01.01.2025 выходной
//	01.11.2025 рабочий
//
// The year stands before its days; a word and what follows may be parted by a
// semicolon, a comma or a tab as well. «выходной» is a day from Monday to Friday
// that is not worked, «рабочий» a Saturday or a Sunday that is; other days need
// not be named. The line «предварительно» is there when the government has not
// moved the year's days yet; «источник» may be left out. A refusal is Invalid
// with a CalendarFault.
func ParseCalendarYear(text string) (CalendarYear, error) {
	var y CalendarYear
	text = strings.TrimPrefix(text, "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		word, rest := line, ""
		if end := strings.IndexAny(line, " \t;,"); end >= 0 {
			word, rest = line[:end], line[end:]
		}
		if word == "" {
			continue
		}
		if err := y.take(strings.ToLower(word), strings.Trim(rest, " \t;,")); err != nil {
			var refusal *Error
			if errors.As(err, &refusal) {
				fault, _ := refusal.Data.(CalendarFault)
				fault.Line = i + 1
				refusal.Data = fault
			}
			return CalendarYear{}, err
		}
	}
	return y, y.check()
}

func calendarFault(r Reason, d Day) error {
	return refuseWith(Invalid, r, CalendarFault{Day: d.Russian()})
}

// take reads one line of the text form.
func (y *CalendarYear) take(word, rest string) error {
	switch word {
	case wordYear:
		if _, err := fmt.Sscanf(rest, "%d", &y.Year); err != nil || y.Year < 2000 || y.Year > 2100 {
			return calendarFault(ReasonCalendarNoYear, Day{})
		}
		return nil
	case wordSource:
		y.Source = rest
		return nil
	case wordProvisional:
		y.Provisional = true
		return nil
	}
	d, err := ParseDay(word)
	if err != nil {
		return calendarFault(ReasonCalendarUnreadable, Day{})
	}
	switch strings.ToLower(rest) {
	case wordDayOff:
		return y.add(d, false)
	case wordWorked:
		return y.add(d, true)
	default:
		return calendarFault(ReasonCalendarUnreadable, d)
	}
}

// add names one day that differs from the plain week.
func (y *CalendarYear) add(d Day, worked bool) error {
	switch {
	case y.Year == 0:
		return calendarFault(ReasonCalendarNoYear, d)
	case d.Year != y.Year:
		return calendarFault(ReasonCalendarOtherYear, d)
	case slices.Contains(y.Holidays, d) || slices.Contains(y.WorkingWeekends, d):
		return calendarFault(ReasonCalendarRepeated, d)
	case isWeekend(d) != worked:
		return calendarFault(ReasonCalendarPlainDay, d)
	case worked:
		y.WorkingWeekends = append(y.WorkingWeekends, d)
	default:
		y.Holidays = append(y.Holidays, d)
	}
	return nil
}

// check looks at the year as a whole and puts its days in order.
func (y *CalendarYear) check() error {
	if y.Year == 0 {
		return calendarFault(ReasonCalendarNoYear, Day{})
	}
	if len(y.Holidays) == 0 {
		return calendarFault(ReasonCalendarNoDays, Day{})
	}
	slices.SortFunc(y.Holidays, Day.Compare)
	slices.SortFunc(y.WorkingWeekends, Day.Compare)
	year := indexed(*y)
	rest := 0
	c := Calendar{years: map[int]calendarYear{y.Year: year}}
	for d := NewDay(y.Year, time.January, 1); d.Year == y.Year; d = d.AddDays(1) {
		if c.IsWorking(d) {
			if isStatutoryHoliday(d) {
				return calendarFault(ReasonCalendarNotHoliday, d)
			}
			rest = 0
			continue
		}
		if rest++; rest > maxRest {
			return calendarFault(ReasonCalendarLongRest, d)
		}
	}
	return nil
}

// Text is the text form of the year, as ParseCalendarYear reads it.
func (y CalendarYear) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d\n", wordYear, y.Year)
	if y.Source != "" {
		fmt.Fprintf(&b, "%s %s\n", wordSource, y.Source)
	}
	if y.Provisional {
		fmt.Fprintln(&b, wordProvisional)
	}
	type mark struct {
		day  Day
		word string
	}
	var marks []mark
	for _, d := range y.Holidays {
		marks = append(marks, mark{d, wordDayOff})
	}
	for _, d := range y.WorkingWeekends {
		marks = append(marks, mark{d, wordWorked})
	}
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Or(a.day.Compare(b.day), cmp.Compare(a.word, b.word)) })
	for _, m := range marks {
		fmt.Fprintf(&b, "%s %s\n", m.day.Russian(), m.word)
	}
	return b.String()
}

// Calendars gives the calendar of working days.
type Calendars struct {
	store Store
	own   *Calendar // the built-in years
}

// NewCalendars returns the use cases over the built-in calendar.
func NewCalendars(store Store, own *Calendar) *Calendars { return &Calendars{store: store, own: own} }

// Current returns the calendar as it stands now: the built-in years and, in
// their place, those that an admin has imported.
func (s *Calendars) Current(ctx context.Context) (*Calendar, error) {
	years, err := s.store.CalendarYears(ctx)
	if err != nil {
		return nil, fmt.Errorf("read calendar years: %w", err)
	}
	if len(years) == 0 {
		return s.own, nil
	}
	return s.own.With(years...), nil
}

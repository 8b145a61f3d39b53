package service

import (
	"cmp"
	// Only the name driver.Value: it lets a Day be a column of a row without a
	// second type. No SQL comes with it.
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// Day is a date of the calendar, without a time and without a zone: the end of
// a cohort, the day of an act, a deadline. Two Days are the same day if they
// are ==. The zero Day means "no day": it is null in rows and in JSON.
type Day struct {
	Year  int
	Month time.Month
	Day   int // of the month, from 1
}

// NewDay returns the day as it is in the calendar: 30 February becomes 1 or 2
// March, as in time.Date. To refuse such a day use ParseDay.
func NewDay(year int, month time.Month, day int) Day {
	return DayOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), time.UTC)
}

// DayOf returns the day that it is at t in the zone loc.
func DayOf(t time.Time, loc *time.Location) Day {
	y, m, d := t.In(loc).Date()
	return Day{Year: y, Month: m, Day: d}
}

// ParseDay reads YYYY-MM-DD and ДД.ММ.ГГГГ. A day that the calendar does not
// have is an error, and so is a year before 1 or after 9999.
func ParseDay(s string) (Day, error) {
	for _, layout := range []string{time.DateOnly, russianDate} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1 {
			return DayOf(t, time.UTC), nil
		}
	}
	// The text may be part of a person's data: it is not repeated in the error.
	return Day{}, fmt.Errorf("parse day of %d bytes: want YYYY-MM-DD or DD.MM.YYYY", len(s))
}

// russianDate is ДД.ММ.ГГГГ, the form of every date that people see.
const russianDate = "02.01.2006"

// IsZero tells whether there is no day.
func (d Day) IsZero() bool { return d == Day{} }

// String gives YYYY-MM-DD, or "" for no day.
func (d Day) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// Russian gives ДД.ММ.ГГГГ, or "" for no day.
func (d Day) Russian() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%02d.%02d.%04d", d.Day, int(d.Month), d.Year)
}

// AddDays returns the day n days later, earlier if n is negative.
func (d Day) AddDays(n int) Day { return NewDay(d.Year, d.Month, d.Day+n) }

// Compare is -1 if d is earlier than e, 0 if it is the same day, +1 if later.
// No day is earlier than any.
func (d Day) Compare(e Day) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Before tells whether d is an earlier day than e.
func (d Day) Before(e Day) bool { return d.Compare(e) < 0 }

// After tells whether d is a later day than e.
func (d Day) After(e Day) bool { return d.Compare(e) > 0 }

// Weekday returns the day of the week.
func (d Day) Weekday() time.Weekday { return d.At(0, 0, time.UTC).Weekday() }

// At returns the instant of the day at the clock's hour and minute in the zone
// loc.
func (d Day) At(hour, minute int, loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, hour, minute, 0, 0, loc)
}

// MarshalJSON writes "YYYY-MM-DD", or null for no day.
func (d Day) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(d.String())
}

// UnmarshalJSON reads what ParseDay reads, and null and "" as no day.
func (d *Day) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("unmarshal day: %w", err)
	}
	if s == nil || *s == "" {
		*d = Day{}
		return nil
	}
	day, err := ParseDay(*s)
	if err != nil {
		return err
	}
	*d = day
	return nil
}

// Scan reads a column of type date: null, a time (its date in the time's own
// zone) or a text that ParseDay reads.
func (d *Day) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Day{}
		return nil
	case time.Time:
		*d = DayOf(v, v.Location())
		return nil
	case string:
		return d.scanText(v)
	case []byte:
		return d.scanText(string(v))
	default:
		return fmt.Errorf("scan day: column of type %T", src)
	}
}

func (d *Day) scanText(s string) error {
	day, err := ParseDay(s)
	if err != nil {
		return err
	}
	*d = day
	return nil
}

// Value is the column's value: "YYYY-MM-DD", or null for no day.
func (d Day) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d.String(), nil
}

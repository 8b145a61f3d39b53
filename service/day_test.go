package service_test

import (
	"encoding/json"
	"testing"
	"time"

	"flowbot/service"
)

func TestParseDayReadsBothFormsAndRefusesWhatIsNoDay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		text string
		want service.Day
		ok   bool
	}{
		{"of a row", "2026-11-21", service.Day{Year: 2026, Month: time.November, Day: 21}, true},
		{"of a person", "21.11.2026", service.Day{Year: 2026, Month: time.November, Day: 21}, true},
		{"leap day", "29.02.2024", service.Day{Year: 2024, Month: time.February, Day: 29}, true},
		{"leap day of a common year", "29.02.2025", service.Day{}, false},
		{"month first", "02/28/2025", service.Day{}, false},
		{"year nought", "01.01.0000", service.Day{}, false},
		{"one digit", "1.1.2025", service.Day{}, false},
		{"with a time", "2026-11-21T00:00:00Z", service.Day{}, false},
		{"empty", "", service.Day{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := service.ParseDay(tt.text)
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("ParseDay(%q) = %v, %v; want %v", tt.text, got, err, tt.want)
			}
		})
	}
}

func TestDayOfAnInstantDependsOnTheZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.November, 20, 22, 0, 0, 0, time.UTC)
	moscow := time.FixedZone("Europe/Moscow", 3*60*60)
	if got := service.DayOf(at, moscow).Russian(); got != "21.11.2026" {
		t.Errorf("in Moscow it is %s", got)
	}
	if got := service.DayOf(at, time.UTC).String(); got != "2026-11-20" {
		t.Errorf("in UTC it is %s", got)
	}
	day := service.NewDay(2026, time.November, 21)
	if got, want := day.At(9, 0, moscow), time.Date(2026, time.November, 21, 6, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("09:00 in Moscow is %v, want %v", got, want)
	}
}

func TestDaysAreCountedByTheCalendar(t *testing.T) {
	t.Parallel()
	last := service.NewDay(2024, time.February, 28)
	if got := last.AddDays(2); got != service.NewDay(2024, time.March, 1) {
		t.Errorf("two days later it is %v", got)
	}
	if got := last.AddDays(-59); got.String() != "2023-12-31" {
		t.Errorf("59 days earlier it is %v", got)
	}
	if got := last.AddDays(366); got.String() != "2025-02-28" {
		t.Errorf("366 days later it is %v", got)
	}
	if !last.Before(last.AddDays(1)) || last.Before(last) || !last.After(last.AddDays(-1)) {
		t.Error("days are out of order")
	}
	if got := service.NewDay(2026, time.November, 21).Weekday(); got != time.Saturday {
		t.Errorf("21.11.2026 is a %v", got)
	}
}

func TestDayPassesThroughJSONAndAColumn(t *testing.T) {
	t.Parallel()
	type row struct {
		On   service.Day
		Sent *service.Day
	}
	for _, want := range []row{{}, {On: service.NewDay(2025, time.January, 9)}} {
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got row
		if err := json.Unmarshal(b, &got); err != nil || got != want {
			t.Errorf("%s came back as %v, %v", b, got, err)
		}
		v, err := want.On.Value()
		if err != nil {
			t.Fatal(err)
		}
		var day service.Day
		if err := day.Scan(v); err != nil || day != want.On {
			t.Errorf("column %v came back as %v, %v", v, day, err)
		}
	}
	var day service.Day
	if err := day.Scan(time.Date(2025, time.May, 9, 0, 0, 0, 0, time.UTC)); err != nil || day.String() != "2025-05-09" {
		t.Errorf("a date column came back as %v, %v", day, err)
	}
	if err := day.Scan(20250509); err == nil {
		t.Error("a number was taken for a day")
	}
}

package main

import (
	"strings"
	"testing"
	"time"

	"flowbot/service"
)

func TestInventedLearnersAreDifferentPeople(t *testing.T) {
	t.Parallel()
	for k := range sampleCohorts {
		c := &sampleCohorts[k]
		seen := map[string]string{}
		for _, row := range c.rows(service.NewDay(2026, time.March, 2)) {
			name := strings.Join(row[2:5], " ")
			if other := seen[name]; other != "" {
				t.Errorf("cohort %s: %s and %s are both %s", c.number, other, row[1], name)
			}
			seen[name] = row[1]
		}
	}
}

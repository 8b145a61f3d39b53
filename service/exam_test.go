package service_test

import (
	"math/rand/v2"
	"testing"

	"flowbot/service"
)

// TestStatusesAreTheSameInSQL computes the statuses of random exams here and in
// the database.
func TestStatusesAreTheSameInSQL(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	if _, err := c.store.Bun().NewRaw(`INSERT INTO files (sha256, size, type) VALUES (repeat('0', 64), 1, 'application/pdf')`).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 1))
	protocols := []service.ProtocolStatus{
		service.ProtocolMissing, service.ProtocolToCheck, service.ProtocolInCheck, service.ProtocolRejected,
		service.ProtocolApproved, service.ProtocolApproved, service.ProtocolApproved, service.ProtocolApproved,
	}
	seen := map[service.CertificateStatus]int{}
	met := map[service.ApplicationStatus]int{}
	for range 300 {
		// Rates of their own for each exam, so that every status of it comes up.
		settled, fine, known, done := random.Float64() < .8, random.Float64(), random.Float64()*1.5, random.Float64()*1.5
		e := c.exam(random.IntN(5), func(_ int, a *service.Application) {
			outcomes := []service.Outcome{service.OutcomeAbsent, service.OutcomeFailed, service.OutcomePassed}
			marks := []service.Violations{service.ViolationsNone, service.ViolationsFound}
			if !settled {
				outcomes, marks = append(outcomes, service.OutcomeAwaited), append(marks, service.ViolationsUnmarked)
			}
			a.Outcome, a.Violations = outcomes[random.IntN(len(outcomes))], marks[random.IntN(len(marks))]
			if random.Float64() < fine {
				passed(0, a)
			}
			if a.Entitled() && random.Float64() < known {
				a.RegistrationNumber, a.IssuedOn = "р-"+a.Number, day(t, "2026-02-27")
				if random.IntN(3) == 0 {
					a.HandedOn = day(t, "2026-03-01")
				}
			}
		})
		protocol := protocols[random.IntN(len(protocols))]
		version := 1
		if protocol == service.ProtocolMissing {
			version = 0
		}
		_, err := c.store.Bun().NewRaw(`
			UPDATE exams SET protocol_status = ?0, protocol_version = ?1, protocol_comment = 'нет подписи',
				reviewer_id = CASE WHEN ?0 = 'in_check' THEN ?2::bigint END, taken_at = CASE WHEN ?0 = 'in_check' THEN now() END
			WHERE id = ?3`, protocol, version, c.anna.PersonID, e.ID).Exec(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range c.applications(e) {
			if a.RegistrationNumber == "" || random.Float64() > done {
				continue
			}
			_, err := c.store.Bun().NewRaw(`
				WITH s AS (
					INSERT INTO scans (application_id, version, file_name, file_sha, clean_sha, source, loaded_at)
					VALUES (?0, 1, 'скан.pdf', repeat('0', 64), repeat('0', 64), 'person', now()) RETURNING id
				)
				UPDATE applications SET scan_id = (SELECT id FROM s) WHERE id = ?0`, a.ID).Exec(t.Context())
			if err != nil {
				t.Fatal(err)
			}
		}
		list := c.applications(e)
		stored := c.current(e)
		if want := service.CertificateStatusOf(protocol, list); stored.CertificateStatus != want {
			t.Fatalf("protocol %s, %d applications: the database says %s, the function %s: %+v", protocol, len(list), stored.CertificateStatus, want, list)
		}
		seen[stored.CertificateStatus]++
		var inSQL []service.ApplicationStatus
		err = c.store.Bun().NewRaw(`
			SELECT application_status(outcome, violations, scan_id IS NOT NULL, handed_on IS NOT NULL)
			FROM applications WHERE exam_id = ? ORDER BY last_name, first_name, id`, e.ID).Scan(t.Context(), &inSQL)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			if got := list[i].Status(); got != inSQL[i] {
				t.Fatalf("application %+v: the database says %s, the function %s", list[i], inSQL[i], got)
			}
			met[inSQL[i]]++
		}
	}
	for _, s := range service.CertificateStatuses {
		if seen[s] == 0 {
			t.Errorf("no exam was %s: %v", s, seen)
		}
	}
	for _, s := range service.ApplicationStatuses {
		if met[s] == 0 {
			t.Errorf("no application was %s: %v", s, met)
		}
	}
}

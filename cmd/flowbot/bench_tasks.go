package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"flowbot/service"
)

// Sizes of the installation in which tasks are listed: all of it, and the share
// it is compared with.
const (
	benchLearners = 1_000_000
	benchActs     = 20_000
	benchPartners = 100
	benchLists    = 2000 // lists measured
)

// benchTasks measures «Мои задачи» of one person in a small and a full database,
// in turn, so that what else the machine does falls on both alike.
func benchTasks(ctx context.Context, p *program) (err error) {
	shares := []float64{.01, 1}
	var readers []*taskReader
	for _, share := range shares {
		st, err := newStage(ctx, p)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, st.close()) }()
		if err := st.fill(ctx, share); err != nil {
			return err
		}
		r := &taskReader{i: st.i, took: make(map[service.Role][]time.Duration), people: make(map[service.Role][]service.Actor)}
		if err := r.find(ctx); err != nil {
			return err
		}
		readers = append(readers, r)
	}
	roles := []service.Role{service.RolePartnerRep, service.RoleOperatorRep}
	for n := range benchLists + benchLists/10 {
		for _, r := range readers {
			for _, role := range roles {
				if err := r.list(ctx, role, n >= benchLists/10); err != nil { // the first tenth warms the caches
					return err
				}
			}
		}
	}
	for _, role := range roles {
		for n, r := range readers {
			slices.Sort(r.took[role])
			if err := printLatencies(p.out, fmt.Sprintf("%s, %.0f %% of the data", role, 100*shares[n]), "lists", r.took[role]); err != nil {
				return err
			}
		}
		small, full := readers[0].took[role], readers[1].took[role]
		if _, err := fmt.Fprintf(p.out, "%s: the full database beside 1 %% of it: p50 %.2f times, p99 %.2f times\n", role,
			ratio(full, small, .5), ratio(full, small, .99)); err != nil {
			return err
		}
	}
	return nil
}

func ratio(a, b []time.Duration, q float64) float64 {
	return float64(quantile(a, q)) / float64(quantile(b, q))
}

// taskReader lists tasks in one installation.
type taskReader struct {
	i      *installation
	people map[service.Role][]service.Actor
	took   map[service.Role][]time.Duration
}

// find looks up whose tasks are listed.
func (r *taskReader) find(ctx context.Context) error {
	var people []struct {
		ID   int64
		Role service.Role
	}
	err := r.i.db.Bun().NewRaw(`SELECT p.id, m.role FROM people p JOIN memberships m ON m.person_id = p.id
		WHERE p.name LIKE 'Задачи %' ORDER BY p.id`).Scan(ctx, &people)
	if err != nil {
		return fmt.Errorf("whose tasks: %w", err)
	}
	for _, who := range people {
		by, err := r.i.db.ActorByID(ctx, who.ID)
		if err != nil {
			return fmt.Errorf("person %d: %w", who.ID, err)
		}
		r.people[who.Role] = append(r.people[who.Role], by)
	}
	return nil
}

// list lists the tasks of one person in a role, the same each time: what a small
// database has in its caches by having few people is not what is compared.
func (r *taskReader) list(ctx context.Context, role service.Role, counted bool) error {
	by := r.people[role][0]
	begun := time.Now()
	if _, err := r.i.tasks.List(ctx, by); err != nil {
		return err
	}
	if counted {
		r.took[role] = append(r.took[role], time.Since(begun))
	}
	return nil
}

// fill writes a share of the full installation. What one partner has is the same
// at every share: there are fewer partners.
func (st *stage) fill(ctx context.Context, share float64) error {
	partners := max(1, int(share*benchPartners))
	acts, learners := int(share*benchActs), int(share*benchLearners)
	const learnersInAct = 40
	for _, q := range []string{
		fmt.Sprintf(`INSERT INTO orgs (kind, name) SELECT 'partner', 'Задачи ' || i FROM generate_series(1, %d) i`, partners),
		`INSERT INTO people (name, telegram_id) SELECT 'Задачи ' || o.id, 90000000 + o.id FROM orgs o WHERE o.name LIKE 'Задачи %'`,
		`INSERT INTO people (name, telegram_id) SELECT 'Задачи оператора ' || i, 91000000 + i FROM generate_series(1, 20) i`,
		`INSERT INTO memberships (person_id, org_id, role)
			SELECT p.id, o.id, 'partner_rep' FROM orgs o JOIN people p ON p.telegram_id = 90000000 + o.id WHERE o.name LIKE 'Задачи %'`,
		`INSERT INTO memberships (person_id, org_id, role)
			SELECT p.id, o.id, 'operator_rep' FROM people p, orgs o WHERE p.name LIKE 'Задачи оператора %' AND o.kind = 'operator'`,
		fmt.Sprintf(`INSERT INTO cohorts (number, partner_id, program, start_on, end_on, acts, journal_version)
			SELECT 'З-' || i, (SELECT min(id) FROM orgs WHERE name LIKE 'Задачи %%') + i %% %d, 'Программа',
				date '2025-01-13' + i %% 300, date '2025-02-28' + i %% 300, 1, 1 FROM generate_series(1, %d) i`, partners, acts),
		// Of a hundred acts ninety are approved, five in approval, three rejected, two wait.
		`INSERT INTO acts (number, cohort_id, partner_id, status, journal_version, due_on, comment, generated_by, created_at, updated_at)
			SELECT c.number || '/1', c.id, c.partner_id,
				CASE WHEN c.id % 100 < 90 THEN 'approved' WHEN c.id % 100 < 95 THEN 'in_approval' WHEN c.id % 100 < 98 THEN 'rejected' ELSE 'awaiting_journal' END,
				1, CASE WHEN c.id % 100 BETWEEN 90 AND 97 THEN date '2026-12-01' END,
				CASE WHEN c.id % 100 BETWEEN 95 AND 97 THEN 'Нет подписи' ELSE '' END, 1, now(), now()
			FROM cohorts c WHERE c.number LIKE 'З-%'`,
		fmt.Sprintf(`INSERT INTO learners (cohort_id, number, last_name, first_name, finished, document_type, document_number, registration_number, document_on, act_id)
			SELECT a.cohort_id, 'ЗЛ-' || (n * 1000000 + i), 'Фамилия', 'Имя', true, 1, i::text, i::text, date '2025-02-28',
				CASE WHEN i > 2 OR a.id %% 20 <> 0 THEN a.id END
			FROM (SELECT a.*, row_number() OVER (ORDER BY id) AS n FROM acts a) a, generate_series(1, %d) i
			LIMIT %d`, max(learnersInAct, learners/max(1, acts)), learners),
		`VACUUM ANALYZE`,
	} {
		if _, err := st.i.db.Bun().ExecContext(ctx, q); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}

-- +goose Up
-- Where the day of birth is another's of the center too, whoever opens a candidate's
-- link is asked for the last digits of the identity document as well.
ALTER TABLE candidate_claims DROP CONSTRAINT candidate_claims_link;
ALTER TABLE candidate_claims DROP CONSTRAINT candidate_claims_step;
ALTER TABLE candidate_claims ADD CONSTRAINT candidate_claims_step CHECK (step IN ('', 'phone', 'born', 'digits', 'link', 'link_digits'));
ALTER TABLE candidate_claims ADD CONSTRAINT candidate_claims_link CHECK ((step IN ('link', 'link_digits')) = (invitation_id IS NOT NULL));
CREATE INDEX applications_born ON applications (born_on);

-- +goose Down
DROP INDEX applications_born;
UPDATE candidate_claims SET step = 'link', born_on = NULL WHERE step = 'link_digits';
ALTER TABLE candidate_claims DROP CONSTRAINT candidate_claims_link;
ALTER TABLE candidate_claims DROP CONSTRAINT candidate_claims_step;
ALTER TABLE candidate_claims ADD CONSTRAINT candidate_claims_step CHECK (step IN ('', 'phone', 'born', 'digits', 'link'));
ALTER TABLE candidate_claims ADD CONSTRAINT candidate_claims_link CHECK ((step = 'link') = (invitation_id IS NOT NULL));

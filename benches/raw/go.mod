// The least that an apply or a diff must ask, to run beside daphnia in `cargo bench --bench apply`.
module daphnia/benches/raw

go 1.26.0

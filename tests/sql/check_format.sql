-- Exact values in the form of the CSV: half up from the exact value, no trailing zeros.
SELECT pg_temp.is('whole hours', ctai.as_hours(540), '9');
SELECT pg_temp.is('half hour', ctai.as_hours(570), '9.5');
SELECT pg_temp.is('quarter', ctai.as_hours(555), '9.25');
SELECT pg_temp.is('a third', ctai.as_hours(20), '0.33');
SELECT pg_temp.is('two thirds', ctai.as_hours(40), '0.67');
SELECT pg_temp.is('one minute', ctai.as_hours(1), '0.02');
SELECT pg_temp.is('none', ctai.as_hours(0), '0');
SELECT pg_temp.is('many', ctai.as_hours(1000000000000001), '16666666666666.68');
SELECT pg_temp.is('every minute', string_agg(m::text, ','), NULL)
FROM generate_series(0, 6000) AS m
WHERE ctai.as_hours(m) <> trim_scale(round(m * 5 / 3.0, 0) / 100)::text;
SELECT pg_temp.is('euros', ctai.as_measure('centimes', 1234567), '12345.67');
SELECT pg_temp.is('whole euros', ctai.as_measure('centimes', 1200), '12');
SELECT pg_temp.is('ten cents', ctai.as_measure('centimes', 10), '0.1');
SELECT pg_temp.is('great sums keep their cents', ctai.as_measure('centimes', 100000000000000000001), '1000000000000000000.01');
SELECT pg_temp.is('a count', ctai.as_measure('nombre', 42), '42');
-- 30.4375 days are one month.
SELECT pg_temp.is('487 days / 16 months', ctai.as_mean_months(487, 1), '16.0');
SELECT pg_temp.is('a year', ctai.as_mean_months(365, 1), '12.0');
SELECT pg_temp.is('no day', ctai.as_mean_months(0, 3), '0.0');
-- 7.5 tenths exactly: 487 * 3 days over 640 * 3 records is 0.025 month, 0.05 month is 487 days over 320.
SELECT pg_temp.is('half up', ctai.as_mean_months(487, 320), '0.1');
SELECT pg_temp.is('below the half', ctai.as_mean_months(486, 320), '0.0');
SELECT pg_temp.is('month of a day', ctai.month_of('2023-11-30')::text, '202311');
SELECT pg_temp.is('levels', ctai.level('infra_A1') || ' ' || ctai.level('C2') || ' ' || coalesce(ctai.level('autre'), -1), '0 6 -1');

-- Two definitions side by side: a contract may declare a variant of an indicator, as another of the State's programmes
-- counts it. It is an indicator of the contract's own, whose place in the report is right after the one that it varies.
ALTER TABLE ctai.indicator ADD COLUMN variant_of text; -- the code of the other; NULL: it is no variant

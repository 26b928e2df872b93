// In simulation with MONDEQ_TRACE and +mondeq_trace=FILE: one line "sample iteration row value" for every state word
// that a solver writes.
`ifdef MONDEQ_TRACE
module mondeq_state_trace #(
  parameter int Rows = 1,
  parameter int Pe = 1,
  parameter int Slots = 3,
  parameter int StateBits = 8,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1
) (
  input logic                    clk_i,
  input logic                    rst_ni,
  input logic                    loaded_i,       // the next sample is in a slot
  input logic [SlotBits-1:0]     loaded_slot_i,
  input logic                    write_i,
  input logic [SlotBits-1:0]     write_slot_i,
  input int                      iteration_i,
  input int                      first_row_i,
  input logic [Pe*StateBits-1:0] words_i
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end
  if (Pe < 1 || Pe > Rows || StateBits < 2) begin : g_wrong_size
    mondeq_error_trace_beyond_the_rows u_error ();
  end

  logic [8*4096-1:0] name;
  int file = 0;
  int loaded;
  int sample[Slots];
  logic signed [StateBits-1:0] word;  // a signed slice of a long vector is printed wrongly by Verilator 5.48

  initial begin
    if ($value$plusargs("mondeq_trace=%s", name)) file = $fopen(name, "w");
  end

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      loaded <= 0;
    end else begin
      if (loaded_i) begin
        sample[loaded_slot_i] <= loaded;
        loaded <= loaded + 1;
      end
      if (write_i && file != 0) begin
        for (int p = 0; p < int'(Pe); p++) begin
          if (first_row_i + p < int'(Rows)) begin
            /* verilator lint_off BLKSEQ */
            word = words_i[p*int'(StateBits)+:StateBits];
            /* verilator lint_on BLKSEQ */
            $fdisplay(file, "%0d %0d %0d %0d", sample[write_slot_i], iteration_i, first_row_i + p, word);
          end
        end
      end
    end
  end

  final if (file != 0) $fclose(file);

endmodule
`endif

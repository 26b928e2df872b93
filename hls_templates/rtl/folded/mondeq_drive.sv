// Drive engine: d = ((sum_j drive[i,j] x_j << left) + bias_i) rounded right by shift_i, for every sample; the rows of a
// feed-through come after those of the states.
//
// Input beats of Simd words fill one of two banks while the engine reads the other; the first row group is
// computed as its words arrive.  Beats of a frame that turns out broken are overwritten, and the walk over the matrix
// begins anew: no row was complete without the last beat.  A sample starts only when a slot of the solver is free (a
// credit), and leaves in row groups of Pe words; loaded_o marks the last of a sample.
//
// In a straight core all rows leave at once, as the upper bits of their accumulators: shifts and the bits below LeftShift
// are constants of the rows, which the solver knows, and what rounds is in Starts.
module mondeq_drive #(
  parameter int Rows = mondeq_pkg::DriveRows,
  parameter int Columns = mondeq_pkg::DriveColumns,
  parameter int Inputs = mondeq_pkg::InputWords,  // the columns behind them are carried words
  parameter int Pe = mondeq_pkg::DrivePe,
  parameter int Simd = mondeq_pkg::DriveSimd,
  parameter int Slots = mondeq_pkg::Slots,
  parameter int InputBits = mondeq_pkg::InputBits,
  parameter bit InputSigned = mondeq_pkg::InputSigned != 0,
  parameter int WeightBits = mondeq_pkg::DriveWeightBits,
  parameter int TableWords = mondeq_pkg::DriveTableWords,  // columns of a table; 0: products
  parameter int TableBits = mondeq_pkg::DriveTableBits,
  parameter int SumBits = mondeq_pkg::DriveAccumulatorBits,
  parameter int DriveBits = mondeq_pkg::DriveBits,
  parameter int LeftShift = mondeq_pkg::DriveLeftShift,
  parameter int ShiftBase = mondeq_pkg::DriveShiftBase,
  parameter int ShiftBits = mondeq_pkg::DriveShiftBits,
  parameter int Adders = mondeq_pkg::DriveAdders,
  parameter bit Straight = mondeq_pkg::Straight != 0,
  parameter bit [Rows*SumBits-1:0] Starts = mondeq_pkg::DriveBiases,
  parameter WeightFile = {mondeq_pkg::MemDir, "/drive"},
  parameter BiasFile = {mondeq_pkg::MemDir, "/drive_bias.mem"},
  parameter ShiftFile = {mondeq_pkg::MemDir, "/drive_shift.mem"},
  localparam int RowGroups = (Rows + Pe - 1) / Pe,
  localparam int ColumnGroups = (Columns + Simd - 1) / Simd,
  localparam int BeatGroups = (Inputs + Simd - 1) / Simd,
  localparam int IndexBits = (BeatGroups > 1) ? $clog2(BeatGroups) : 1,
  localparam int RowBits = (RowGroups > 1) ? $clog2(RowGroups) : 1,
  localparam int CarriedBits = (Columns > Inputs) ? (Columns - Inputs) * InputBits : 1,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic [Simd*InputBits-1:0] beat_i,
  input  logic                      beat_valid_i,
  input  logic [IndexBits-1:0]      beat_index_i,   // in its frame
  input  logic                      beat_whole_i,   // the last of a whole frame
  input  logic                      beat_broken_i,  // the frame is broken
  output logic                      beat_ready_o,
  input  logic [CarriedBits-1:0]    carried_i,
  input  logic                      fresh_i,      // it is that of the sample being read
  output logic                      taken_o,      // it has been read
  input  logic                      release_i,    // the readout has freed a slot
  output logic                      write_o,
  output logic [SlotBits-1:0]       slot_o,
  output logic [RowBits-1:0]        row_o,
  output logic [Pe*DriveBits-1:0]   drive_o,
  output logic                      loaded_o,
  output logic                      error_o,
  output logic                      memory_error_o  // a wrong word of a memory
);

  localparam int Groups = RowGroups * ColumnGroups;
  localparam int ColumnBits = (ColumnGroups > 1) ? $clog2(ColumnGroups) : 1;
  localparam int AddressBits = (Groups > 1) ? $clog2(Groups) : 1;
  localparam int BeatBits = Simd * InputBits;
  localparam bit Tabled = TableWords > 0;
  localparam int Terms = Tabled ? (Simd + TableWords - 1) / (Tabled ? TableWords : 1) : Simd;
  localparam int Stages = $clog2(Terms) / ((Adders < 1) ? 1 : Adders);
  localparam int Late = (Straight && Tabled) ? -1 : (!Tabled && (Groups > mondeq_pkg::WeightBankDepth)) ? 1 : 0;
  localparam int HeldBits = Straight ? SumBits - LeftShift : SumBits;  // of an accumulator
  localparam int TagBits = SlotBits + RowBits + 1;
  localparam int FirstCarried = Inputs / Simd;
  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Slots - 1);

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end
  if (Pe < 1 || Pe > Rows || Simd < 1 || Simd > Inputs || Inputs > Columns) begin : g_wrong_folding
    mondeq_error_drive_folding_beyond_the_matrix u_error ();
  end
  if (InputBits < 1 || SumBits < 1 || DriveBits < 1 || DriveBits > SumBits) begin : g_wrong_widths
    mondeq_error_drive_widths u_error ();
  end
  if (Straight && (Pe != Rows || DriveBits != HeldBits)) begin : g_wrong_straight
    mondeq_error_straight_drive_of_some_rows u_error ();
  end
  if (LeftShift < 0 || ShiftBase < 0 || ShiftBits < 1 || Adders < 1) begin : g_wrong_shifts
    mondeq_error_drive_shifts u_error ();
  end

  // Input banks.
  (* no_rw_check *)  // only words before the one that arrives are read
  logic [BeatBits-1:0] banks[2*(1<<ColumnBits)];
  logic [1:0] full_q;
  logic write_bank_q, read_bank_q;
  logic [ColumnBits-1:0] beat;
  logic accept, finish, restart;

  assign beat_ready_o = !full_q[write_bank_q];
  assign accept = beat_valid_i && beat_ready_o;
  assign beat = ColumnBits'(beat_index_i);

  always_ff @(posedge clk_i) begin
    if (accept) banks[{write_bank_q, beat}] <= beat_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      full_q <= '0;
      write_bank_q <= 1'b0;
    end else begin
      if (accept && beat_whole_i) begin
        full_q[write_bank_q] <= 1'b1;
        write_bank_q <= !write_bank_q;
      end
      if (finish) full_q[read_bank_q] <= 1'b0;
    end
  end

  // One full bank is the one that is read, and the other the one that is filled.
  logic slots_error;
  assign error_o = slots_error || ((full_q[0] == full_q[1]) ? (write_bank_q != read_bank_q)
      : (!full_q[read_bank_q] || full_q[write_bank_q]));

  // Issue: a command per cycle as long as its words are there.
  logic issue, arrives, present_q, reached, first_column, last_column, last_row, first_command_q, slot_free;
  logic [RowBits-1:0] row;
  logic [ColumnBits-1:0] column;
  logic [AddressBits-1:0] address;
  logic [SlotBits-1:0] slot_q;

  assign issue = present_q && reached && (!first_command_q || slot_free);
  assign finish = issue && last_column && last_row;
  assign taken_o = finish;
  assign restart = accept && beat_broken_i && (read_bank_q == write_bank_q);

  // A bank that is not full is the one being filled, and holds the beats before this one.  Compared a step ahead, like
  // the counter's flags.
  assign arrives = accept && !beat_broken_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || restart) present_q <= 1'b0;
    else if (finish) present_q <= full_q[!read_bank_q] || arrives || ((beat != '0) && !accept);
    else present_q <= full_q[read_bank_q] || arrives || (issue ? (column + 1'b1 != beat) : present_q);
  end

  mondeq_matvec_counter #(
    .RowGroups   (RowGroups),
    .ColumnGroups(ColumnGroups)
  ) u_counter (
    .clk_i,
    .rst_ni        (rst_ni && !restart),
    .step_i        (issue),
    .skip_columns_i(1'b0),
    .row_o         (row),
    .column_o      (column),
    .address_o     (address),
    .first_column_o(first_column),
    .last_column_o (last_column),
    .last_row_o    (last_row)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_bank_q <= 1'b0;
      slot_q <= '0;
      first_command_q <= 1'b1;
    end else begin
      if (issue) first_command_q <= finish;
      if (finish) begin
        read_bank_q <= !read_bank_q;
        slot_q <= (slot_q == LastSlot) ? '0 : slot_q + 1'b1;
      end
    end
  end

  mondeq_credits #(
    .Credits(Slots)
  ) u_slots (
    .clk_i,
    .rst_ni,
    .take_i (issue && first_command_q),
    .give_i (release_i),
    .left_o (slot_free),
    .error_o(slots_error)
  );

  // Words, 3 + Late cycles after their command.
  logic [BeatBits-1:0] word_q, word_q2, data;

  always_ff @(posedge clk_i) begin
    word_q <= banks[{read_bank_q, column}];
`ifdef MONDEQ_ASSERT
    if (accept && ({write_bank_q, beat} == {read_bank_q, column})) word_q <= ~beat_i;  // what Yosys may do
`endif
  end

  // Carried words take the lanes behind the inputs', in groups that wait for them, and zeros those behind.
  if (Columns > Inputs) begin : g_carried
    logic [BeatBits-1:0] carried, carried_q;
    logic [Simd-1:0] lanes, lanes_q;

    assign reached = (column < ColumnBits'(FirstCarried)) || fresh_i;

    always_comb begin
      carried = '0;
      lanes = '0;
      for (int g = FirstCarried; g < ColumnGroups; g++) begin
        for (int l = 0; l < Simd; l++) begin
          if ((column == ColumnBits'(g)) && (g * Simd + l >= Inputs)) begin
            if (g * Simd + l < Columns) begin
              carried[l*InputBits+:InputBits] = carried_i[(g*Simd+l-Inputs)*InputBits+:InputBits];
            end
            lanes[l] = 1'b1;
          end
        end
      end
    end

    always_ff @(posedge clk_i) begin
      carried_q <= carried;
      lanes_q <= lanes;
      for (int l = 0; l < Simd; l++) begin
        if (lanes_q[l]) word_q2[l*InputBits+:InputBits] <= carried_q[l*InputBits+:InputBits];
        else word_q2[l*InputBits+:InputBits] <= word_q[l*InputBits+:InputBits];
      end
    end
  end else begin : g_inputs
    logic unused_carried;
    assign unused_carried = ^{carried_i, fresh_i};
    assign reached = 1'b1;
    always_ff @(posedge clk_i) word_q2 <= word_q;
  end

  mondeq_delay #(
    .Width(BeatBits),
    .Depth(1 + Late)
  ) u_data (
    .clk_i,
    .rst_ni,
    .data_i(word_q2),
    .data_o(data)
  );

  // The tag, until the row group's first command starts the accumulators.
  logic [TagBits-1:0] tag, tag_q1, tag_q2, sum_tag_q;
  logic tag_valid, load, sum_valid, weight_error, constant_error;
  logic [Pe*HeldBits-1:0] preload, sum;

  assign memory_error_o = weight_error || constant_error;

  mondeq_delay #(
    .Width(TagBits + 1),
    .Depth(3 + Late + Stages)
  ) u_tag (
    .clk_i,
    .rst_ni,
    .data_i({issue, slot_q, row, last_row}),
    .data_o({tag_valid, tag})
  );

  always_ff @(posedge clk_i) begin
    tag_q1 <= tag;
    tag_q2 <= tag_q1;
    if (load) sum_tag_q <= tag_q2;
  end

  // Multiply-accumulate, or look up and accumulate: the same cycles but for the levels.
  if (Tabled) begin : g_tables
    mondeq_matvec_tables #(
      .Pe        (Pe),
      .Simd      (Simd),
      .Groups    (Groups),
      .TableWords(TableWords),
      .TableBits (TableBits),
      .DataBits  (InputBits),
      .SumBits   (HeldBits),
      .LeftShift (Straight ? 0 : LeftShift),
      .Adders    (Adders),
      .Early     (Straight),
      .File      (WeightFile)
    ) u_matvec (
      .clk_i,
      .rst_ni,
      .valid_i  (issue),
      .first_i  (first_column),
      .last_i   (last_column),
      .address_i(address),
      .data_i   (data),
      .preload_i(preload),
      .load_o   (load),
      .valid_o  (sum_valid),
      .sum_o    (sum),
      .memory_error_o(weight_error)
    );
  end else begin : g_products
    mondeq_matvec #(
      .Pe        (Pe),
      .Simd      (Simd),
      .Groups    (Groups),
      .WeightBits(WeightBits),
      .DataBits  (InputBits),
      .DataSigned(InputSigned),
      .SumBits   (HeldBits),
      .LeftShift (Straight ? 0 : LeftShift),
      .Adders    (Adders),
      .File      (WeightFile)
    ) u_matvec (
      .clk_i,
      .rst_ni,
      .valid_i  (issue),
      .first_i  (first_column),
      .last_i   (last_column),
      .address_i(address),
      .data_i   (data),
      .preload_i(preload),
      .load_o   (load),
      .valid_o  (sum_valid),
      .sum_o    (sum),
      .memory_error_o(weight_error)
    );
  end

  if (Straight) begin : g_straight
    logic unused_tag, last;
    assign unused_tag = tag_valid ^ last;
    assign constant_error = 1'b0;
    assign drive_o = sum;
    assign write_o = sum_valid;
    assign {slot_o, row_o, last} = sum_tag_q;

    // A way of its own: the write goes to all words, and the choice of a sample may be far from them.
    mondeq_delay #(
      .Width(1),
      .Depth(6 + Late + Stages)
    ) u_loaded (
      .clk_i,
      .rst_ni,
      .data_i(finish),
      .data_o(loaded_o)
    );

    for (genvar p = 0; p < Pe; p++) begin : g_start
      assign preload[p*HeldBits+:HeldBits] = Starts[p*SumBits+LeftShift+:HeldBits];
    end
  end else begin : g_rounded
    // Row constants, read in cycle 3 + Late + Stages and registered once more; the shifts stay beside the accumulators
    // until the sums are complete.
    logic [Pe*SumBits-1:0] bias;
    logic [Pe*ShiftBits-1:0] shift, shift_q, sum_shift_q;
    logic [TagBits-1:0] shift_tag_q, write_tag_q;
    logic bias_error, shift_error, last;

    assign loaded_o = write_o && last;
    assign constant_error = bias_error || shift_error;
    assign {slot_o, row_o, last} = write_tag_q;

    mondeq_rom #(
      .Width(Pe * SumBits),
      .Depth(RowGroups),
      .File (BiasFile)
    ) u_bias (
      .clk_i,
      .rst_ni,
      .read_i   (tag_valid),
      .address_i(tag[RowBits:1]),
      .data_o   (bias),
      .error_o  (bias_error)
    );

    mondeq_rom #(
      .Width(Pe * ShiftBits),
      .Depth(RowGroups),
      .File (ShiftFile)
    ) u_shift (
      .clk_i,
      .rst_ni,
      .read_i   (tag_valid),
      .address_i(tag[RowBits:1]),
      .data_o   (shift),
      .error_o  (shift_error)
    );

    always_ff @(posedge clk_i) begin
      preload <= bias;
      shift_q <= shift;
      if (load) sum_shift_q <= shift_q;
      shift_tag_q <= sum_tag_q;
      write_tag_q <= shift_tag_q;
    end

    // Round: shift, then add the half.
    for (genvar p = 0; p < Pe; p++) begin : g_round
      logic [DriveBits-1:0] rounded;

      mondeq_round_shift #(
        .InBits   (SumBits),
        .OutBits  (DriveBits),
        .Base     (ShiftBase),
        .ShiftBits(ShiftBits)
      ) u_round (
        .clk_i,
        .value_i  (sum[p*SumBits+:SumBits]),
        .shift_i  (sum_shift_q[p*ShiftBits+:ShiftBits]),
        .rounded_o(rounded)
      );
      always_ff @(posedge clk_i) drive_o[p*DriveBits+:DriveBits] <= rounded;
    end

    mondeq_delay #(
      .Width(1),
      .Depth(2)
    ) u_write (
      .clk_i,
      .rst_ni,
      .data_i(sum_valid),
      .data_o(write_o)
    );
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_slot (.clk_i, .rst_ni, .holds_i(int'(slot_q) < Slots));
  mondeq_assert u_present (.clk_i, .rst_ni, .holds_i(present_q == (full_q[read_bank_q] || (column < beat))));
  mondeq_assert u_read_whole (.clk_i, .rst_ni, .holds_i(!finish || full_q[read_bank_q]));
  mondeq_assert u_beat (.clk_i, .rst_ni, .holds_i(!accept || (int'(beat_index_i) < BeatGroups)));
  mondeq_assert u_row_address (.clk_i, .rst_ni, .holds_i(int'(tag[RowBits:1]) < RowGroups));
  mondeq_assert u_write_address (
    .clk_i,
    .rst_ni,
    .holds_i(!write_o || ((int'(slot_o) < Slots) && (int'(row_o) < RowGroups)))
  );
`endif

endmodule
